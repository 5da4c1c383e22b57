# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long `qosctl apply` takes beside `tc -batch` building the same with HTB and u32.

    apply.py files DIR        # policies, and what tc reads, for tests/bench/apply.sh
    apply.py report RAW OUT   # what it wrote as RAW/{native,vm}, in OUT as apply.json and apply.txt
"""
import json
import pathlib
import statistics
import sys

from text import table

CLASSES = (1000, 4096)
RATE, CHANGED, CEIL = "500kbit", "600kbit", "10mbit"
U32_NODES = 4000  # that a table of u32 has at most, or nearly: each priority has one
WHERE = {"native": ("police", "this machine"), "vm": ("fq", "virtual time, 1 ns an instruction")}

# What is asked, of so many classes and rules: (name, most, unit, of what). Virtual time is a ns for
# each instruction: what a program does itself takes several times what it takes a real CPU, so that
# only the ratio is of interest there, and that is one of instructions.
ASKED = 1000
BARS = (
    ("apply of 1,000 classes and 1,000 rules", 1000, "ms", lambda ms: ms["apply"]),
    ("the same beside tc -batch", 1, "times", lambda ms: ms["apply"] / ms["tc"]),
    ("a changed rate", 20, "ms", lambda ms: ms["rate"]),
)


def address(i):
    return f"10.1.{i >> 8}.{i & 255}"


def policy(classes, mode, changed=None):
    """A class for each of so many addresses; changed: the one of another rate."""
    lines = ["interface: c0", f"link: {{ rate: 10gbit, mode: {mode} }}", "default: c1", "classes:"]
    lines += [f"  c{i}: {{ rate: {CHANGED if i == changed else RATE}, ceil: {CEIL} }}"
              for i in range(1, classes + 1)]
    lines += ["rules:"]
    lines += [f"  - {{ class: c{i}, match: {{ dst: {address(i)} }} }}" for i in range(1, classes + 1)]
    return lines


def htb_class(verb, i, rate):
    return f"class {verb} dev c0 parent 1:1 classid 1:{i + 1:x} htb rate {rate} ceil {CEIL}"


def batch(classes):
    """The same for tc."""
    lines = ["qdisc add dev c0 root handle 1: htb default 2",
             "class add dev c0 parent 1: classid 1:1 htb rate 10gbit quantum 60000"]
    lines += [htb_class("add", i, RATE) for i in range(1, classes + 1)]
    lines += [f"filter add dev c0 parent 1: protocol ip prio {1 + i // U32_NODES} u32 match ip dst {address(i)} "
              f"flowid 1:{i + 1:x}" for i in range(1, classes + 1)]
    return lines


def files():
    """By name, the lines of each."""
    made = {}
    for n in CLASSES:
        for mode, _ in WHERE.values():
            made[f"{mode}-{n}.yaml"] = policy(n, mode)
            made[f"{mode}-{n}-rate.yaml"] = policy(n, mode, n // 2)
        made[f"htb-{n}.batch"] = batch(n)
        made[f"htb-{n}-rate.batch"] = [htb_class("change", n // 2, CHANGED)]
    return made


def take(lines):
    """The medians in ms by classes and what was done, of all rounds but the first."""
    times = {}
    for line in lines:
        round_, classes, what, us = line.split()
        if int(round_):
            times.setdefault(int(classes), {}).setdefault(what, []).append(int(us) / 1000)
    return {n: {what: statistics.median(ms) for what, ms in whats.items()} for n, whats in times.items()}


def judge(where, found):
    bars = []
    for name, most, unit, of in BARS:
        if unit == "ms" and where != "this machine":
            continue
        value = of(found[ASKED])
        bars.append({"bar": name, "where": where, "measured": value, "most": most, "unit": unit,
                     "met": value <= most})
    return bars


def document(raw):
    doc = {"runs": {}, "bars": []}
    for name, (mode, where) in WHERE.items():
        path = raw / name
        if not path.exists():
            continue
        kernel, *lines = path.read_text().splitlines()
        found = take(lines)
        rounds = max(int(line.split()[0]) for line in lines)
        doc["runs"][name] = {"kernel": kernel, "mode": mode, "where": where, "rounds": rounds, "ms": found}
        doc["bars"] += judge(where, found)
    return doc


def rows(found):
    for n, ms in found.items():
        for title, ours, theirs in (("apply", "apply", "tc"), ("one rate changed", "rate", "tc-rate"),
                                    ("nothing changed", "unchanged", None), ("remove", "remove", None)):
            tc = ["-", "-"] if theirs is None else [f"{ms[theirs]:.1f}", f"{ms[ours] / ms[theirs]:.2f}"]
            yield [f"{n:,} classes and rules: {title}", f"{ms[ours]:.1f}", *tc]


def render(doc):
    lines = []
    for run in doc["runs"].values():
        lines += [f"ms of a whole process, Linux {run['kernel']}, mode {run['mode']}, {run['where']}, "
                  f"medians of {run['rounds']}",
                  *table(["", "qosctl", "tc -batch, HTB + u32", "ratio"], list(rows(run["ms"]))), ""]
    lines += ["What is asked of qosctl",
              *table(["", "measured", "at most", "", "on"],
                     [[bar["bar"], f"{bar['measured']:.2f} {bar['unit']}", f"{bar['most']:g} {bar['unit']}",
                       "ok" if bar["met"] else "missed", bar["where"]] for bar in doc["bars"]]), ""]
    return "\n".join(lines)


def main(verb, *args):
    if verb == "files":
        for name, lines in files().items():
            pathlib.Path(args[0], name).write_text("\n".join(lines) + "\n")
        return
    doc = document(pathlib.Path(args[0]))
    out = pathlib.Path(args[1])
    (out / "apply.json").write_text(json.dumps(doc, indent=1) + "\n")
    words = render(doc)
    (out / "apply.txt").write_text(words)
    print(words, end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
