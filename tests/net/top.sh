#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What top shows of real traffic, as a terminal has it: sizes, keys, colours, locales, its end.
# With fq where there is one, else with mode: police, on any kernel.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
topo2
mode=fq
has_qdisc fq || mode=police
cat >"$T/c0.yaml" <<-END
	interface: c0
	link: { mode: $mode, rate: 40mbit, gso: keep }
	default: rest
	classes:
	  rest: {}
	  tenants:
	    rate: 12mbit
	    classes:
	      alice: { rate: 4mbit, ceil: 4mbit, latency: 50ms }
	      bob: { rate: 1mbit, ceil: 8mbit }
	rules:
	  - { class: alice, match: { proto: udp, dport: 5001 } }
	  - { class: bob, match: { proto: udp, dport: 5002 } }
END
check "the policy is applied" cli qosctl apply "$T/c0.yaml"

# --- the terminal ------------------------------------------------------------------------------

tm() { LC_ALL=C.UTF-8 tmux -u -S "$T/tmux" "$@"; }

# the guest has none until somebody asks
[[ -e /dev/pts/ptmx ]] || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
bg server tmux -u -S "$T/tmux" -f /dev/null -D 2>"$T/tmux.err"
await "$T/tmux"
# what the programs of a pane are given is what a test sets, nothing of this machine's
tm set -g default-terminal screen-256color
tm set -g escape-time 0

# A shell in a terminal of its own, in the namespace of c0.
shell() { # COLUMNSxLINES [NAME=VALUE]...
	tm kill-session -t t 2>/dev/null
	tm new-session -d -s t -x "${1%x*}" -y "${1#*x}" env -u NO_COLOR -u LANG LC_ALL=C.UTF-8 PS1='ready> ' \
		"${@:2}" nsenter --net="/run/netns/$NS_CLI" bash --norc --noprofile -i
	await_screen '^ready> *$'
}

screen() { tm capture-pane -p -t t; }

await_screen() { # REGEX [SECONDS]
	local i
	for ((i = 0; i < ${2-10} * 20; i++)); do
		screen | grep -qE -e "$1" && return
		sleep 0.05
	done
	screen | sed 's/^/# /'
	return 1
}

keys() { tm send-keys -t t "$@"; }
run_top() { # ARGUMENT...
	keys "qosctl top $*" Enter
	await_screen '^class .*past *$' || bail "top shows nothing"
}

# A number of a class's line, from the column of the heading on: units made bits or packets.
value() { # CLASS HEADING
	screen | sed 's/[█▒│▁▂▃▄▅▆▇]/#/g' | awk -v class="$1" -v heading="$2" '
		NR == 2 { at = index($0, heading) + length(heading) - 8 }
		NR > 2 && $1 ~ "^[-+]?" class "$" {
			n = split(substr($0, at, 8), word, " ")
			text = word[n]
			f = text ~ /gbit$/ ? 1e9 : text ~ /mbit$/ ? 1e6 : text ~ /kbit$/ ? 1e3 : \
				text ~ /k$/ ? 1e3 : 1
			if (text == "-") print "-"
			else { sub(/[a-z]+$/, "", text); printf "%.0f\n", text * f }
		}'
}
rows() { screen | awk 'NR > 2 && NF { sub(/^[-+]/, "", $1); print $1 }' | head -n -1 | paste -sd ' '; }
await_rows() { # DESCRIPTION ROWS
	local i
	for ((i = 0; i < 200; i++)); do
		[[ $(rows) == "$2" ]] && break
		sleep 0.05
	done
	is "$1" "$(rows)" "$2"
}
# The shell is back, with its cursor, on its own screen, and its echo.
is_back() { # DESCRIPTION
	await_screen '^ready> *$'
	is "$1: cursor, other screen" "$(tm display -p -t t '#{cursor_flag} #{alternate_on}')" "1 0"
	# shellcheck disable=SC2016 # the shell's in the pane
	keys 'echo st$((1))ty; stty -a | tr " ;" "\n\n" | grep -xE -e "-?(echo|icanon|icrnl|opost)" | paste -sd,' Enter
	await_screen '^st1ty'
	check "$1: the terminal's settings" await_screen '^icrnl,opost,icanon,echo *$'
}

senders=()
flood() { # PORT RATE: until calm
	local pid
	bg pid cli udpsend "$SRV4" "$1" --size 1000 --time 600 --rate "$2" >/dev/null
	senders+=("$pid")
}
calm() {
	local pid
	for pid in "${senders[@]}"; do stop "$pid"; done
	senders=()
}

note "rates, drops, delays"
shell 80x24
flood 5001 8mbit
flood 5002 2mbit
run_top --interval 0.5 c0
check "it fits 24 lines of 80" test "$(screen | wc -L)" -le 80
is "the last line is the help" "$(screen | sed -n '24s/  .*//p')" "q quit"
await_rows "the tree" "c0 rest tenants alice bob"
check "what is borrowed has its own look" await_screen '^  +bob +█+▒ '
check "what is within the rate too" await_screen '^  +alice +█+ '
sleep 2
now=$(value alice now) drops=$(value alice drop/s)
screen >"$T/busy"
sed 's/^/# /' "$T/busy"
at_most "no more than its ceil" "$now" 4500000
check "something" test "${now%.*}" -gt 100000
check "what is above it is dropped: $drops/s" test "${drops%.*}" -gt 100
is "the rate of the policy" "$(value alice rate)" 4000000
is "its ceil" "$(value bob ceil)" 8000000
is "what does not apply is left out" "$(value rest rate)" -
if [[ $mode == fq ]]; then
	near "the rate on the wire" "$now" 4000000 3
	check "the delay of a full queue" grep -qE '^  +alice .* (134|268)ms' "$T/busy"
else
	skip "the delay of a full queue" "mode: police has no queue"
fi
check "the past has a line" grep -qE '^  +alice .*[▁▂▃▄▅▆▇█]{2}$' "$T/busy"

note "keys"
keys r
await_rows "by rate" "c0 tenants alice bob rest"
check "which is said" await_screen '^qosctl top c0, every 0.5 s, by rate, 1-5 of 5$'
keys r
await_rows "by rate, the least first" "c0 rest tenants bob alice"
keys n
await_rows "by name" "c0 rest tenants alice bob"
keys n
await_rows "by name, the last first" "c0 tenants bob alice rest"
keys x
await_rows "by drops" "c0 tenants alice bob rest"
keys t
await_rows "without the tree" "c0/alice c0/rest c0/bob"
keys t
keys -- -
await_rows "all folded" "c0 tenants rest"
check "which is shown" await_screen '^ \+tenants '
keys +
await_rows "all unfolded" "c0 tenants alice bob rest"
keys Down ' '
await_rows "one folded" "c0 tenants rest"
keys Right
await_rows "and unfolded" "c0 tenants alice bob rest"
keys Left Up Enter
await_rows "the interface folded" "c0"
keys Enter p
await_rows "what was folded in it still is" "c0 rest tenants"

note "sizes"
tm resize-window -t t -x 132 -y 40
check "wider: the past is longer" await_screen '^ \+tenants .* [▁▂▃▄▅▆▇█]{9,}$'
tm resize-window -t t -x 50 -y 10
check "narrower: what matters most is left" await_screen '^class +use +now +p99 +drop/s$'
check "on every line" test "$(screen | wc -L)" -le 50
tm resize-window -t t -x 10 -y 3
sleep 0.5
tm resize-window -t t -x 80 -y 24
await_rows "and back, from next to nothing" "c0 rest tenants"

calm

note "what is gone is said, and taken up again"
cli qosctl remove c0 >/dev/null
check "an interface that is not shaped any more" await_screen '^error: c0 is not shaped by qosctl'
cli qosctl apply "$T/c0.yaml" >/dev/null
check "and is again" await_screen '^q quit'

note "the end"
keys q
is_back "q"
top_pid() { pgrep -f -x 'qosctl top .*c0'; }
for signal in INT TERM HUP QUIT; do
	run_top c0
	kill -$signal "$(top_pid)"
	await_screen '^ready> *$'
	keys 'kill -l $?' Enter
	check "SIG$signal is its status" await_screen "^$signal\$"
	is_back "SIG$signal"
done
run_top --interval 3600 c0
keys C-c
is_back "Ctrl-C within an hour's interval"
keys 'qosctl top nothere; echo status $?' Enter
check "an interface that is not there" await_screen '^status 1'
is_back "which"
keys 'clear; qosctl top c0 </dev/null; echo status $?' Enter
check "no terminal" await_screen '^hint: qosctl stats --watch needs no terminal'
keys 'clear; TERM=dumb qosctl top c0; echo status $?' Enter
check "a terminal that cannot" await_screen 'dumb cannot move its cursor'
keys 'clear; TERM=nonsense qosctl top c0; echo status $?' Enter
check "one that nobody knows" await_screen 'TERM is unknown: nonsense'

note "colours and letters"
colours() { tm capture-pane -p -e -t t | grep -c $'\e\\[[0-9;]*3[0-7]m'; }
blocks() { screen | grep -c '[█▒│▁▂▃▄▅▆▇]'; }
flood 5001 8mbit
run_top c0
await_screen '^  +alice +█'
check "colours on a terminal that has them" test "$(colours)" -gt 0
keys q
for how in NO_COLOR=1 TERM=vt100 LC_ALL=C; do
	shell 80x24 $how
	run_top c0
	check "$how: the bar" await_screen '^  +alice +(#|█)'
	case $how in
	NO_COLOR=* | TERM=*) is "$how: no colour" "$(colours)" 0 ;;
	esac
	case $how in
	LC_ALL=* | TERM=*) is "$how: ASCII only" "$(screen | LC_ALL=C grep -c '[^ -~]')" 0 ;;
	*) check "$how: blocks" test "$(blocks)" -gt 0 ;;
	esac
	keys q
	is_back "$how"
done

calm

note "several interfaces, and a thousand classes"
cli ip link add e0 type veth peer name e1
cli ip link set e0 up
{
	printf 'interface: e0\nlink: { mode: %s }\ndefault: class-1\nclasses:\n' $mode
	for ((i = 1; i <= 1000; i++)); do
		printf '  class-%d: { rate: 1mbit }\n' $i
	done
} >"$T/e0.yaml"
check "a policy of a thousand classes" cli qosctl apply "$T/e0.yaml"
shell 80x24
run_top
check "both are there" await_screen '^qosctl top all, every 1 s, by policy, 1-21 of 1006$'
await_screen '^-e0'
keys End
check "the last" await_screen '^  class-1000 '
check "is at the end" await_screen ' 986-1006 of 1006$'
keys PPage PPage
check "two pages up" await_screen '^  class-960 '
keys Home ' '
check "the first interface folded" await_screen '^\+c0 '
check "makes room" await_screen ' 1-21 of 1002$'
keys n
await_screen 'by name'
keys n
check "sorted: numbers as people count" await_screen '^  class-999 '
keys q
is_back "after a thousand classes"
shell 80x24
run_top e0
keys t r
check "a thousand without the tree" await_screen 'by rate, 1-21 of 1000$'
keys q
cli qosctl remove e0 >/dev/null
cli qosctl remove c0 >/dev/null
run_top
check "no interface is shaped" await_screen '^no interface is shaped'
keys q
is_back "the last"
tm kill-server
finish
