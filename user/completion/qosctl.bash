# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for qosctl(8)

_qosctl_interfaces()
{
	local path

	for path in /sys/class/net/*; do
		# bonding_masters is a file among the links.
		[[ -L $path ]] && printf '%s\n' "${path##*/}"
	done
}

# The interfaces that have a policy in the folder of --dir.
_qosctl_policies()
{
	local dir=/etc/qosctl path i

	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -d || ${COMP_WORDS[i]} == --dir ]] || continue
		[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
		dir=${COMP_WORDS[i + 1]/#\~\//$HOME/}
	done
	for path in "$dir"/*.yaml; do
		path=${path##*/}
		[[ $path == '*.yaml' ]] || printf '%s\n' "${path%.yaml}"
	done
}

# Append folders and policy files that begin with the word.
_qosctl_files()
{
	local path

	compopt -o filenames 2>/dev/null
	while IFS= read -r path; do
		[[ -d $path || $path == *.yaml || $path == *.yml ]] && COMPREPLY+=("$path")
	done < <(compgen -f -- "$1")
}

_qosctl_words()
{
	local word

	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$1" -- "$2")
}

# What stands before the word being written, without the verb, options and their values.
_qosctl_operands()
{
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-d | --dir | -f | --for)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			((i++))
			;;
		-*) ;;
		*) operands+=("${COMP_WORDS[i]}") ;;
		esac
	done
}

# IFACE CLASS KEY=VALUE..., as far as that is written
_qosctl_set()
{
	local keys='rate ceil weight burst priority per-flow latency limit ecn' operands=()

	_qosctl_operands
	case ${#operands[@]} in
	0) _qosctl_words "$(_qosctl_interfaces)" "$2" ;;
	1)
		_qosctl_words "link $(qosctl show --json "${operands[0]}" 2>/dev/null |
			jq -r '.[].classes[].name' 2>/dev/null)" "$2"
		;;
	*)
		[[ $1 == unset ]] || { keys=${keys// /= }=; compopt -o nospace 2>/dev/null; }
		_qosctl_words "$keys" "$2"
		;;
	esac
}

# install FILE|IFACE, remove IFACE, list IFACE, run IFACE NAME, as far as that is written
_qosctl_schedule()
{
	local operands=()

	_qosctl_operands
	case ${#operands[@]} in
	0) _qosctl_words 'install remove list run' "$1" ;;
	1)
		# only to install it a policy is read
		if [[ ${operands[0]} == install ]]; then
			_qosctl_words "$(_qosctl_policies)" "$1"
			_qosctl_files "$1"
		else
			_qosctl_words "$(_qosctl_interfaces)" "$1"
		fi
		;;
	2)
		[[ ${operands[0]} == run ]] || return
		_qosctl_words "$(qosctl schedule list --json "${operands[1]}" 2>/dev/null |
			jq -r '.schedules[].name' 2>/dev/null)" "$1"
		;;
	esac
}

_qosctl_options()
{
	case $1 in
	check | show | doctor) echo '--help --json' ;;
	stats) echo '--help --json --watch --openmetrics --rules' ;;
	top) echo '--help --interval' ;;
	monitor) echo '--help --json --drops --marks --sample --class --count' ;;
	plan) echo '--help --json --dir --offline' ;;
	apply) echo '--help --json --dir --all' ;;
	flows) echo '--help --json --number' ;;
	explain) echo '--help --json --pcap' ;;
	set) echo '--help --json --for' ;;
	unset) echo '--help --json' ;;
	schedule) echo '--help --json --dir' ;;
	remove) echo '--help --json --all' ;;
	help) echo '--help' ;;
	esac
}

_qosctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
	local verbs='check plan apply show stats top flows explain monitor set unset schedule remove doctor help'

	COMPREPLY=()
	# bash makes words of "--dir=x" at the sign.
	[[ $cur == = ]] && cur=
	[[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}

	if ((COMP_CWORD == 1)); then
		_qosctl_words "$verbs --help --version" "$cur"
		return
	fi
	case $verb:$before in
	plan:-d | plan:--dir | apply:-d | apply:--dir | schedule:-d | schedule:--dir)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	explain:-p | explain:--pcap)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	monitor:-c | monitor:--class)
		_qosctl_words "$(qosctl show --json 2>/dev/null |
			jq -r '.[].classes[].name' 2>/dev/null | sort -u)" "$cur"
		return
		;;
	monitor:-s | monitor:--sample | monitor:-n | monitor:--count) return ;;
	flows:-n | flows:--number | top:-i | top:--interval | set:-f | set:--for) return ;;
	esac
	if [[ $cur == -* ]]; then
		_qosctl_words "$(_qosctl_options "$verb")" "$cur"
		return
	fi
	case $verb in
	check) _qosctl_files "$cur" ;;
	plan | apply)
		_qosctl_words "$(_qosctl_policies)" "$cur"
		_qosctl_files "$cur"
		;;
	explain)
		_qosctl_words "$(_qosctl_interfaces)" "$cur"
		_qosctl_files "$cur"
		;;
	show | stats | top | flows | monitor | remove | doctor) _qosctl_words "$(_qosctl_interfaces)" "$cur" ;;
	set | unset) _qosctl_set "$verb" "$cur" ;;
	schedule) _qosctl_schedule "$cur" ;;
	help) _qosctl_words "$verbs" "$cur" ;;
	esac
}

complete -F _qosctl qosctl
