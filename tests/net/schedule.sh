#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's own cron and three days of schedules: schedule.sh first|second. Between the two the
# machine was off; in the second summer time begins. Only in a virtual machine: cron's jobs run in
# the first network namespace. The clock has to begin at 2027-03-26T06:00:00 or 2027-03-27T19:05:00
# (UTC), and /etc/localtime to be Berlin's.
. "$(dirname "$0")/lib.sh"

[[ ${QOSCTL_IN_VM-} ]] || bail "only in a virtual machine"
mkdir -p /etc/cron.d /etc/qosctl /etc/pam.d /var/spool/cron/crontabs
for f in auth account session; do echo "$f required pam_permit.so"; done >/etc/pam.d/cron
umask 022
cat >/etc/qosctl/c0.yaml <<-END
	interface: c0
	link: { rate: 20mbit }
	default: rest
	classes:
	  rest: { rate: 2mbit }
	  bulk: { rate: 2mbit, ceil: 10mbit }
	rules:
	  - { class: bulk, match: { proto: udp, dport: 5001 } }
	schedules:
	  - { name: office, cron: "0 8 * * mon-fri", set: { bulk: { ceil: 3mbit } } }
	  - { name: night,  cron: "0 20 * * *",      set: { bulk: { ceil: 90% }, link: { rate: 19mbit } } }
	  - { name: gap,    cron: "30 2 * * sun",    set: { bulk: { ceil: 4mbit } } }
END
ns_add "$NS_SRV"
ip link add c0 type veth peer s0 netns "$NS_SRV"
ip addr add 10.0.0.1/24 dev c0
ip link set c0 up
ip -n "$NS_SRV" addr add 10.0.0.2/24 dev s0
ip -n "$NS_SRV" link set s0 up

until_time() { sleep $(($(date -d "$1" +%s) - $(date +%s))); }
holds() { qosctl show c0 --json | jq -r '.[0].schedule.name'; }
since() { date -d "$(qosctl show c0 --json | jq -r '.[0].schedule.since')" '+%F %H:%M'; }
ceil() { qosctl show c0 --json | jq '.[0].classes[] | select(.name == "bulk").ceil'; }
program() { qosctl show c0 --json | jq '.[0].filter.prog_id'; }
qdiscs() { tc -j qdisc show dev c0 | jq -c 'map([.kind, .handle, .parent])'; }
expect() { # TIME SCHEDULE CEIL SINCE
	until_time "$1"
	is "$1, the schedule" "$(holds)" "$2"
	is "$1, its ceiling" "$(ceil)" "$3"
	is "$1, since" "$(since)" "$4"
}

check "the policy is applied" qosctl apply c0
prog=$(program) qdisc=$(qdiscs) cron=""
doctor() { qosctl doctor c0 --json | jq -r '.interface.checks[] | select(.name == "schedules").state'; }
is "doctor, before cron is told" "$(doctor)" warn
check "cron is told" qosctl schedule install c0
is "doctor, then" "$(doctor)" ok
is "of its file" "$(stat -c '%a %U %G' /etc/cron.d/qosctl-c0)" "644 root root"
chmod 600 /etc/cron.d/qosctl-c0
sed -i 's/ 8 / 9 /' /etc/cron.d/qosctl-c0
is "doctor, when somebody changed it" "$(doctor)" warn
check "cron is told again" qosctl schedule install c0
is "list says so" "$(qosctl schedule list c0 --json | jq -r .installed)" installed
bg cron cron -f

case ${1-} in
first)
	is "today" "$(date '+%F %H')" "2027-03-26 07"
	is "what held when nobody was there" "$(holds) $(since)" "night 2027-03-25 20:00"
	is "office is next" "$(qosctl schedule list c0 --json |
		jq -r '.schedules[] | select(.name == "office").next')" 2027-03-26T07:00:00Z
	expect "2027-03-26 07:59:30" night 17100000 "2027-03-25 20:00"
	expect "2027-03-26 08:00:30" office 3000000 "2027-03-26 08:00"
	expect "2027-03-26 19:59:30" office 3000000 "2027-03-26 08:00"

	# across the change, with traffic
	count_start wire srv s0 --key udp:5001
	udpsend 10.0.0.2 5001 --rate 2500kbit --time 60 >"$T/send.json"
	count_stop wire
	is "nothing was lost" "$(json wire '.keys["udp:5001"].packets')" "$(json send .packets)"
	is "nor reordered" "$(json wire '.keys["udp:5001"].reordered')" 0
	expect "2027-03-26 20:00:40" night 17100000 "2027-03-26 20:00"
	# in the middle of it, by hand and for a while
	check "set for two hours" qosctl set c0 bulk ceil=5mbit --for 2h
	expect "2027-03-26 21:59:00" night 5000000 "2027-03-26 20:00"
	expect "2027-03-26 22:02:00" night 17100000 "2027-03-26 20:00"
	check "set over the next schedule" qosctl set c0 bulk ceil=6mbit --for 40h
	# no office on a Saturday
	expect "2027-03-27 08:01:00" night 6000000 "2027-03-26 20:00"
	;;
second)
	is "today" "$(date '+%F %H:%M' | cut -c1-15)" "2027-03-27 20:0"
	is "what began when the machine was off" "$(holds) $(since)" "night 2027-03-27 20:00"
	is "its ceiling" "$(ceil)" 17100000
	expect "2027-03-28 01:59:00" night 17100000 "2027-03-27 20:00"
	# 02:30 is not there: cron does its jobs when it sees that
	until_time "2027-03-28 03:02:00"
	is "what the clock leapt over" "$(holds)" gap
	is "its ceiling" "$(ceil)" 4000000
	check "set over a schedule" qosctl set c0 rest ceil=2500kbit --for 20h
	expect "2027-03-28 20:00:30" night 17100000 "2027-03-28 20:00"
	is "the set value is still there" "$(qosctl show c0 --json | jq -r '.[0].set[0].value')" 2500kbit
	expect "2027-03-29 07:59:30" night 17100000 "2027-03-28 20:00"
	is "and has ended" "$(qosctl show c0 --json | jq '.[0].set | length')" 0
	expect "2027-03-29 08:00:30" office 3000000 "2027-03-29 08:00"
	check "apply finds the same by the clock" qosctl apply c0
	is "office" "$(holds)" office
	;;
*) bail "first or second?" ;;
esac
is "the program is the same" "$(program)" "$prog"
is "and so are the qdiscs" "$(qdiscs)" "$qdisc"
stop "$cron"
check "cron is told no more" qosctl schedule remove c0
check "its file is gone" test ! -e /etc/cron.d/qosctl-c0
finish
