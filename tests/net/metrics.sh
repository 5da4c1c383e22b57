#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a collector of metrics gets of a real interface, whole, by the recipe that is shipped.
. "$(dirname "$0")/lib.sh"

reader='' sender='' # pids

# shellcheck disable=SC2119
topo2
mode=fq
has_qdisc fq || mode=police
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { mode: $mode, rate: 20mbit }
	default: rest
	classes:
	  rest: {}
	  t:
	    rate: 4mbit
	    classes:
	      one: { rate: 2mbit, ceil: 2mbit }
	      two: {}
	rules:
	  - { class: one, match: { proto: udp, dport: 5001 } }
	  - { action: drop, match: { proto: udp, dport: 5003 } }
END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"
cli udpsend "$SRV4" 5001 --size 1000 --time 1 --rate 5mbit >"$T/send.json"
cli udpsend "$SRV4" 5003 --size 1000 --count 7 --rate 1mbit >"$T/drop.json" 2>/dev/null
sleep 2

cli qosctl stats --openmetrics c0 >"$T/c0.prom"
cli qosctl stats --json c0 >"$T/stats.json"
if [[ -x /usr/bin/python3 ]]; then
	check "parsers of Prometheus read it" "$top/tests/golden/cli/check_metrics" "$top/user" "$T/c0.prom"
else
	skip "parsers of Prometheus read it" "there is no python3 here"
fi

metric() { # NAME CLASS [MORE]
	grep -F "$1{interface=\"c0\",class=\"$2\"," "$T/c0.prom" | grep -F "${3-}" | sed 's/.* //'
}
stat() { json stats ".[0].classes[] | select(.name == \"$1\").$2"; }
for class in t one two; do
	is "$class: bytes" "$(metric qosctl_class_bytes_total $class)" "$(stat $class bytes)"
	is "$class: drops" "$(metric qosctl_class_dropped_packets_total $class | awk '{ s += $1 } END { print s }')" \
		"$(stat $class 'drops | add')"
done
check "something was sent" test "$(metric qosctl_class_bytes_total one)" -gt 100000
check "and dropped" test "$(stat one 'drops | add')" -gt 0
is "what a rule dropped" "$(sed -n 's/^qosctl_link_dropped.*reason="rule"} //p' "$T/c0.prom")" 7
is "a guaranteed rate, in bytes" "$(metric qosctl_class_rate_bytes_per_second one)" 250000
is "an inner class is told apart" "$(metric qosctl_class_bytes_total t 'inner="true"')" "$(stat t bytes)"
is "all is in force" "$(sed -n 's/^qosctl_in_force{interface="c0"} //p' "$T/c0.prom")" 1
if [[ $mode == fq ]]; then
	is "all that waited is in the histogram" "$(metric qosctl_class_queue_delay_seconds_count one)" \
		"$(stat one 'delay.histogram | add')"
else
	is "no delays without a queue" "$(grep -c '^qosctl_class_queue_delay.*{' "$T/c0.prom")" 0
fi

note "again and again"
bg sender cli udpsend "$SRV4" 5001 --size 1000 --time 600 --rate 1mbit >/dev/null
before=$(cli qosctl stats --json c0 | jq '.[0].classes[] | select(.name == "one").packets')
cli timeout 3 qosctl stats --json --watch 0.5 c0 >"$T/watch.json"
stop "$sender"
after=$(cli qosctl stats --json c0 | jq '.[0].classes[] | select(.name == "one").packets')
watched() { jq -s "[.[][0] | $1]" "$T/watch.json"; }
check "a document for each interval" test "$(watched . | jq length)" -ge 3
at_most "none shorter than it has to be" 500000000 "$(watched .interval_ns | jq min)"
at_most "what the intervals have, all together" \
	"$(watched '.classes[] | select(.name == "one").interval.packets' | jq add)" $((after - before))
check "something in each" sh -c "jq -es 'all(.[][0].classes[2].interval; .packets > 0 and .rate_now > 0)' '$T/watch.json'"
if [[ $mode == fq ]]; then
	# or a packet of 1042 bytes more or less in half a second
	near "the rate on the wire" "$(watched '.classes[] | select(.name == "one").interval.rate_now' | jq '.[1]')" \
		1000000 1 $((1042 * 8 * 2))
fi

note "the recipe"
service=$top/user/metrics/qosctl-metrics.service
if [[ -e $service ]]; then
	recipe=$(sed -n "s/^ExecStart=.*-c '\(.*\)'$/\1/p" "$service")
	check "cron's line does the same" grep -qF -- "&& $recipe" "$top/user/qosctl.8.rst"
	mkdir "$T/textfile"
	publish() { cli env -C "$T/textfile" /bin/sh -c "$recipe"; }
	check "it succeeds" publish
	# a reader that looks all the time never sees a part
	# shellcheck disable=SC2016 # its own
	bg reader bash -c '
		while read -r last < <(tail -n 1 "$0"); do
			echo "$last"
			[[ -e $1 ]] && exit
		done' "$T/textfile/qosctl.prom" "$T/done" >"$T/read"
	for ((i = 0; i < 20; i++)); do publish; done
	touch "$T/done"
	wait "$reader"
	is "while it is written anew 20 times, whole" "$(sort -u "$T/read")" "# EOF"
	check "looked at $(wc -l <"$T/read") times" test "$(wc -l <"$T/read")" -gt 20
	is "nothing else is left" "$(ls "$T/textfile")" qosctl.prom
	cli qosctl remove c0 >/dev/null
	check "without an interface as well" publish
	is "what is gone is not in it" "$(grep -c 'interface="c0"' "$T/textfile/qosctl.prom")" 0
	if command -v systemd-analyze >/dev/null; then
		sed "s,qosctl stats,$(command -v qosctl) stats," "$service" >"$T/qosctl-metrics.service"
		cp "${service%.service}.timer" "$T/"
		check "systemd takes the units" systemd-analyze verify --man=no \
			"$T/qosctl-metrics.service" "$T/qosctl-metrics.timer"
	else
		skip "systemd takes the units" "there is no systemd here"
	fi
else
	skip "the recipe" "the guest has not the sources"
fi
finish
