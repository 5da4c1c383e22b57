#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# monitor: each drop and mark is told once, with what stats counts it as; programs that come and go
# are followed; and when nobody listens the program that shapes is as it was.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
policy() { # FILE IFACE CLASS
	cat >"$T/$1.yaml" <<-END
		interface: $2
		link: { mode: police }
		default: rest
		classes:
		  rest: {}
		  $3: { rate: 8mbit, burst: 50000b, dscp: af11 }
		rules:
		  - { class: $3, match: { proto: udp, dport: 5001 } }
		  - { action: drop, match: { proto: udp, dport: 5009 } }
	END
}
policy one c0 one
policy two c0 two
check "the policy is applied" cli qosctl apply "$T/one.yaml"

links() { bpftool -j link show | jq '[.[] | select(.type == "tracing")] | length'; }
is "nobody listens" "$(links)" 0

note "what the kernel or the privileges do not allow"
cli setpriv --bounding-set -sys_admin qosctl monitor c0 >"$T/out" 2>&1
is "without CAP_SYS_ADMIN the status is" $? 3
needs='^hint: this needs root (CAP_SYS_ADMIN, which includes CAP_BPF and CAP_PERFMON)$'
check "and what is missing is said" grep -q "$needs" "$T/out"
cli setpriv --bounding-set=-all qosctl monitor c0 >"$T/out" 2>&1
is "without any" $? 3
check "it is the same" grep -q "$needs" "$T/out"
cli timeout 2 qosctl monitor c0 >"$T/out" 2>&1
status=$?
# those of the virtual machines can
if ((status == 3)) && [[ $(hostname) != qosctl-vm ]]; then
	check "a kernel that lets nobody listen is said to be one" grep -q trampolines "$T/out"
	is "it shapes as before" "$(cli qosctl show c0 --json | jq '.[0].in_force')" true
	skip "events" "this kernel lets nobody attach to a program"
	check "it is removed" cli qosctl remove c0
	finish
fi
is "it listens until it is told to end" $status 124
cli timeout 2 setpriv --bounding-set=-all,+sys_admin qosctl monitor c0 >"$T/out" 2>&1
is "with CAP_SYS_ADMIN alone too" $? 124
# shellcheck disable=SC2016 # that shell's
cli timeout 20 bash -c 'qosctl monitor c0 | true; exit ${PIPESTATUS[0]}' 2>/dev/null
is "or until nobody reads, though nothing happens" $? 141
is "then nobody listens" "$(links)" 0

# --- helpers -----------------------------------------------------------------------------------

await_links() { # COUNT
	local i
	for ((i = 0; i < 1000; i++)); do
		(($(links) == $1)) && return
		sleep 0.01
	done
	bail "there are $(links) listeners, not $1"
}

listener=''
listen() { # NAME ARGUMENT...: events in $T/NAME.events
	bg listener cli qosctl monitor "${@:2}" >"$T/$1.events" 2>"$T/$1.err"
	await_links 1
}
unlisten() { # what it was told of is written after a moment
	sleep 0.3
	stop "$listener"
	await_links 0
}

# The packets of the events that a filter takes.
told() { # NAME FILTER
	jq -s "[.[] | select(.packets != null) | select($2) | .packets] | add // 0" "$T/$1.events"
}
stat() { # CLASS KEY
	cli qosctl stats c0 --json | jq ".[0].classes[] | select(.name == \"$1\").$2"
}
rule_drops() { cli qosctl stats c0 --json | jq '.[0].link.drops.rule'; }
flood() { # PORT RATE ECN [OPTION]...
	cli udpsend "$SRV4" "$1" --size 1000 --time 0.5 --rate "$2" --ecn "$3" "${@:4}" >/dev/null
}

program() { cli qosctl show c0 --json | jq '.[0].filter.prog_id'; }
machine_code() { # FILE
	jited "$(program)" >"$T/$1" && test -s "$T/$1"
}

# --- over burst --------------------------------------------------------------------------------

note "mode police"
check "the program's machine code is read" machine_code before
listen all c0 --json
machine_code meanwhile
check "who listens is called by it" sh -c "! cmp -s $T/before $T/meanwhile"
flood 5001 24mbit 0
flood 5001 24mbit 2
flood 5009 100kbit 0
unlisten
is "drops are told" "$(told all '.reason == "police" and .event == "drop"')" "$(stat one drops.police)"
is "marks are told" "$(told all '.reason == "police" and .event == "mark"')" "$(stat one marks)"
check "there were both" test "$(stat one drops.police)" -gt 0 -a "$(stat one marks)" -gt 0
is "what a rule drops is told" "$(told all '.reason == "rule"')" "$(rule_drops)"
check "there was some" test "$(rule_drops)" -gt 0
is "nothing else" "$(jq -s 'map(.event + " " + .reason) | unique | join(", ")' "$T/all.events")" \
	'"drop police, drop rule, mark police"'
is "of which class" "$(jq -s 'map([.reason, .class]) | unique | tojson' "$T/all.events")" \
	'"[[\"police\",\"one\"],[\"rule\",null]]"'
is "whose packet" "$(jq -s -c 'map([.interface, .proto, .src, .dst, .dport, .dscp]) | unique' "$T/all.events")" \
	"[[\"c0\",\"udp\",\"$CLI4\",\"$SRV4\",5001,\"cs0\"],[\"c0\",\"udp\",\"$CLI4\",\"$SRV4\",5009,\"cs0\"]]"
is "as it leaves" "$(jq -s -c 'map([.event, .ecn]) | unique' "$T/all.events")" \
	'[["drop","ect0"],["drop","not-ect"],["mark","ce"]]'
is "how long it is" "$(jq -s -c 'map(.bytes) | unique' "$T/all.events")" '[1042]'
check "how far it is over, and when that was" jq -se 'all(.reason == "rule" or .wait_ns > 0) and
	(map(.time_ns) | . == sort)' "$T/all.events"
machine_code after
check "when nobody listens the program is as it was" cmp "$T/before" "$T/after"

note "what is asked for"
listen drops c0 --json --drops
flood 5001 24mbit 2
unlisten
is "only drops" "$(jq -s -c 'map(.event) | unique' "$T/drops.events")" '["drop"]'
listen marks c0 --json -m
flood 5001 24mbit 2
unlisten
is "only marks" "$(jq -s -c 'map(.event) | unique' "$T/marks.events")" '["mark"]'
passed=$(stat rest 'packets - .exempt') # neighbours are asked for whenever the kernel likes
listen some c0 --json --sample 1 --class rest
flood 5001 24mbit 0
cli udpsend "$SRV4" 5002 --size 1000 --count 50 --rate 1mbit --dscp 46 --ecn 1 >/dev/null
unlisten
is "of one class all that pass" "$(told some '.event == "pass" and .class == "rest"')" \
	$(($(stat rest 'packets - .exempt') - passed))
is "and nothing else" "$(jq -s -c 'map([.event, .class]) | unique' "$T/some.events")" '[["pass","rest"]]'
is "as they are" "$(jq -s -c 'map(select(.dport == 5002) | [.reason, .wait_ns, .bytes, .dscp, .ecn]) | unique' "$T/some.events")" \
	'[[null,null,1042,"ef","ect1"]]'
listen tenth c0 --json -s 10 -c rest
cli udpsend "$SRV4" 5002 --size 1000 --count 500 --rate 10mbit >/dev/null
unlisten
near "one in ten" "$(told tenth .)" 50 0 1
cli qosctl monitor c0 --class ome >"$T/out" 2>&1
is "a class that is not there: the status is" $? 2
check "the nearest is said" grep -q "did you mean .one.?" "$T/out"

bg listener cli qosctl monitor c0 --count 3 >"$T/lines"
await_links 1
flood 5001 24mbit 0
check "it ends after as many events as are wanted" wait "$listener"
is "a line each" "$(grep -cE "^[0-9:.]{15} c0 drop police, one: wait [0-9.]+[mu]?s, packets 1, bytes 1042, udp $CLI4:[0-9]+ > $SRV4:5001, dscp cs0, not-ect$" "$T/lines")" 3
is "of three" "$(wc -l <"$T/lines")" 3

note "more than is read"
dropped=$(stat one drops.police)
listen lost c0 --json --drops
kill -STOP "$listener"
flood 5001 40mbit 0 --size 60
kill -CONT "$listener"
for ((i = 0; i < 100; i++)); do
	grep -q '"lost"' "$T/lost.events" && break
	sleep 0.1
done
unlisten
dropped=$(($(stat one drops.police) - dropped))
lost=$(jq -s 'map(.events // 0) | add' "$T/lost.events")
check "$dropped events are too many for the ring" test "$lost" -gt 0
is "what is lost is counted" $(($(told lost .) + lost)) $dropped

# --- the program comes and goes ----------------------------------------------------------------

note "a process that is killed"
listen killed c0 --json
kill -KILL "$listener"
wait "$listener" 2>/dev/null
await_links 0
ok "the kernel takes its program away"
machine_code killed
check "the one that shapes is as it was" cmp "$T/before" "$T/killed"
is "no program of ours is left" "$(bpftool -j prog show | jq '[.[] | select(.name == "qos_shaped")] | length')" 0

note "a policy that is applied meanwhile"
listen renamed c0 --json
flood 5001 24mbit 0
check "another policy is applied" cli qosctl apply "$T/two.yaml"
sleep 1
is "it listens to the program that took the place" "$(jq -s -c 'map(select(.event == "replaced") | .prog_id)' "$T/renamed.events")" \
	"[$(program)]"
before=$(stat two drops.police)
is "to this one alone" "$(links)" 1
flood 5001 24mbit 0
unlisten
is "by its name now" "$(told renamed '.class == "two"')" $(($(stat two drops.police) - before))
is "by its name before" "$(told renamed '.class == "one"')" \
	"$(jq -s 'map(select(.class == "one")) | length' "$T/renamed.events")"
check "there were some of both" jq -se 'any(.class == "one") and any(.class == "two")' "$T/renamed.events"

note "one that is removed"
link_add "$NS_CLI" c1 "$NS_SRV" s1
addr_add "$NS_CLI" c1 10.9.0.1/24
policy other c1 other
check "a second interface is shaped" cli qosctl apply "$T/other.yaml"
bg listener cli qosctl monitor --json >"$T/both.events" 2>"$T/both.err"
await_links 2
check "the first is removed" cli qosctl remove c0
await_links 1
check "it is applied again" cli qosctl apply "$T/one.yaml"
await_links 2
check "both are removed" cli qosctl remove --all
wait "$listener"
is "it ends with the last; the status is" $? 1
is "what it told of them" "$(jq -s -c 'map([.interface, .event]) | (.[:2], .[2:]) | sort' "$T/both.events" | paste -sd ' ')" \
	'[["c0","removed"],["c0","replaced"]] [["c0","removed"],["c1","removed"]]'
check "and of the end" grep -q "no interface is shaped any more" "$T/both.err"
cli qosctl monitor c0 >"$T/out" 2>&1
is "of an interface that is not shaped the status is" $? 1
check "and it is said" grep -q "c0 is not shaped by qosctl" "$T/out"

# --- queues ------------------------------------------------------------------------------------

if ! has_qdisc fq; then
	skip "queues" "this kernel has no fq"
	finish
fi
note "mode fq"
cat >"$T/fq.yaml" <<-END
	interface: c0
	link: { rate: 20mbit }
	default: rest
	classes:
	  rest: {}
	  tenants:
	    rate: 8mbit
	    classes:
	      one: { rate: 4mbit, ceil: 4mbit, limit: 50ms }
	      two: { rate: 4mbit, ceil: 4mbit, limit: 200ms, latency: 5ms }
	rules:
	  - { class: one, match: { proto: udp, dport: 5001 } }
	  - { class: two, match: { proto: udp, dport: 5002 } }
END
check "the policy is applied" cli qosctl apply "$T/fq.yaml"
listen fq c0 --json --sample 1 --class tenants
flood 5001 8mbit 0
flood 5002 4800kbit 0 --time 2
flood 5002 4800kbit 2 --time 2
flood 5002 4800kbit 1
flood 5003 1mbit 0
unlisten
for key in limit aqm; do
	for class in one two; do
		is "$class: drops, $key" "$(told fq ".class == \"$class\" and .event == \"drop\" and .reason == \"$key\"")" \
			"$(stat $class drops.$key)"
	done
done
check "there were both" test "$(stat one drops.limit)" -gt 0 -a "$(stat two drops.aqm)" -gt 0
is "marks of L4S" "$(told fq '.reason == "l4s"')" "$(stat two marks_l4s)"
is "marks" "$(told fq '.event == "mark" and .class == "two"')" "$(stat two marks)"
check "there were both kinds" test "$(stat two marks_l4s)" -gt 0 -a "$(stat two marks)" -gt "$(stat two marks_l4s)"
is "what passed" "$(told fq '.event != "drop" and .class == "two"')" "$(stat two packets)"
is "of the class that they are in" "$(jq -s -c 'map(.class) | unique' "$T/fq.events")" '["one","two"]'
check "what is over the limit would have waited longer" \
	jq -se 'map(select(.reason == "limit" and .class == "one").wait_ns) | min > 50000000' "$T/fq.events"
check "and what passed waited for less" \
	jq -se 'map(select(.event == "pass" and .class == "one").wait_ns) | max | . > 30000000 and . <= 50000000' "$T/fq.events"
check "it is removed" cli qosctl remove c0
finish
