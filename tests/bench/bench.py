# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/bench's other half, on this machine: which jobs to run, and what came of them.

    bench.py list                   # groups and scenarios
    bench.py check WHAT...          # are there such?
    bench.py jobs DIR WHAT...       # writes DIR/{local,forward,2cpu}.sh, as far as there are any
    bench.py report RAW OUT WHAT... # figures of RAW, in OUT as bench.json, bench.txt and SCENARIO.svg
"""
import fnmatch
import pathlib
import sys

import jobs
import report
import scenarios


def choose(words):
    """Scenarios by name, group or pattern, each once, in the table's order."""
    table = scenarios.table()
    chosen = set()
    for word in words:
        found = {s.name for s in table.values() if word in s.groups or fnmatch.fnmatchcase(s.name, word)}
        if not found:
            sys.exit(f"bench: no scenario {word}: scripts/bench --list shows them")
        chosen |= found
    return [s for s in table.values() if s.name in chosen or not words]


def main(verb, *args):
    if verb == "list":
        for sc in choose([]):
            print(f"{sc.groups[0]:8} {sc.name:22} {sc.title}")
    elif verb == "check":
        choose(args)
    elif verb == "jobs":
        for name, lines in jobs.files(choose(args[1:])).items():
            pathlib.Path(args[0], f"{name}.sh").write_text("\n".join(lines) + "\n")
    else:
        report.write(choose(args[2:]), pathlib.Path(args[0]), pathlib.Path(args[1]))


main(*sys.argv[1:])
