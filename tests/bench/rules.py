# SPDX-License-Identifier: LGPL-2.1-or-later
"""What thousands of rules cost: a packet, beside u32 and flower, and to apply them.

    rules.py files DIR         # policies, and what tc reads, for tests/bench/rules.sh
    rules.py run COMMAND...    # runs one; prints microseconds and KiB of memory at most
    rules.py report RAW OUT    # of RAW/cost.json and RAW/{native,vm}, in OUT as rules.json and rules.txt
"""
import itertools
import json
import os
import pathlib
import statistics
import sys
import time

from text import table

CHAIN = 1000  # rules of mixed kinds
MANY, CLASSES = 10000, 1000  # to apply
WAYS = ("nothing", "minimal", "one", "qosctl", "u32", "flower")
WHERE = {"native": "this machine", "vm": "virtual time, 1 ns an instruction"}

# Cases of bpf_cost without a queue, and what they are here.
CASES = (("1 rule", "1 rule, cached"),
         ("10 rules, every key", "10 rules, cached, every key in use"),
         ("11000 rules", "11,000 rules, cached"),
         ("10 rules, new flows", "10 rules, each packet a new flow"),
         ("11000 rules, all new", "11,000 rules, each packet a new flow"))
PACKET, MINIMAL = "IPv4 UDP", "minimal EDT"

EF = 46
DSCPS = (8, 10, 14, 16, 18, 22, 24, 26, 30, 32, 34, 38, 40, 48, 56)  # of the field, but those of flood and EF


def rule(i):
    """The keys of rule i, of ten kinds, as in policies/; none takes a packet of flood's but the last one."""
    net, port = f"{i >> 8}.{i & 255}.0/24", 1024 + i
    if i == CHAIN - 1:
        return {"dst": "172.16.0.0/16", "proto": "udp"}
    return ({"dst": f"10.{net}"}, {"src": f"10.{net}"}, {"proto": "tcp", "dport": port}, {"proto": "tcp", "sport": port},
            {"proto": "udp", "dport": port, "dscp": EF}, {"dst": f"172.16.{i & 255}.0/24", "proto": "tcp", "dport": port},
            {"proto": "tcp", "dport": f"{port}-{port + 99}"}, {"proto": "tcp", "dport": [port, port + 7000, port + 9000]},
            {"dst": [f"10.{net}", f"11.{net}"], "proto": "tcp", "dport": [port, port + 1]},
            {"dscp": [DSCPS[(i // 10 + n * (1 + i // 150)) % len(DSCPS)] for n in range(3)], "src": f"100.{64 + i % 64}.0.0/16"}
            )[i % 10]


def number(proto):
    return {"tcp": 6, "udp": 17}[proto]


def span(value):
    """First and last of a port, or of a range."""
    first, _, last = str(value).partition("-")
    return int(first), int(last or first)


def blocks(value):
    """A range as values and masks, as few as there can be."""
    first, last = span(value)
    while first <= last:
        size = first & -first or 1 << 16
        while first + size - 1 > last:
            size >>= 1
        yield f"{first} {0x10000 - size:#06x}"
        first += size


def one(text):
    return lambda value: [text(value)]


# Each value as what filters can say: one of several, where it takes more than one filter.
U32 = {"src": one(lambda v: f"match ip src {v}"), "dst": one(lambda v: f"match ip dst {v}"),
       "proto": one(lambda v: f"match ip protocol {number(v)} 0xff"),
       "sport": lambda v: [f"match ip sport {block}" for block in blocks(v)],
       "dport": lambda v: [f"match ip dport {block}" for block in blocks(v)],
       "dscp": one(lambda v: f"match ip dsfield {v << 2:#x} 0xfc")}
FLOWER = {"src": one(lambda v: f"src_ip {v}"), "dst": one(lambda v: f"dst_ip {v}"), "proto": one(lambda v: f"ip_proto {v}"),
          "sport": one(lambda v: f"src_port {v}"), "dport": one(lambda v: f"dst_port {v}"),
          "dscp": one(lambda v: f"ip_tos {v << 2:#x}/0xfc")}
ORDER = ("proto", "src", "dst", "sport", "dport", "dscp")  # flower wants the protocol before ports


def tc(i, kind, words):
    """What filters match that together are rule i, and where they send it."""
    keys = rule(i)
    values = [[text for value in (keys[key] if isinstance(keys[key], list) else [keys[key]]) for text in words[key](value)]
              for key in ORDER if key in keys]
    return [f"{kind} {' '.join(said)} classid 1:{1 + i % 3:x}" for said in itertools.product(*values)]


def batch(priorities, filters):
    return [f"filter add dev c0 egress protocol ip prio {prio} {what}" for prio, what in zip(priorities, filters)]


U32_ORDERED = 2000  # in one priority, where the 2,049th comes before all others


def u32_batch():
    filters = [what for i in range(CHAIN) for what in tc(i, "u32", U32)]
    return batch((1 + n // U32_ORDERED for n in range(len(filters))), filters)


def flower_batch():
    """A priority for each rule: what flower finds within one is of any order."""
    rules = [(1 + i, what) for i in range(CHAIN) for what in tc(i, "flower", FLOWER)]
    return batch(*zip(*rules))


def policy(rules, classes, rate=""):
    """Of a class for each, in turn; the rules as they would be written."""
    lines = ["interface: c0", "link: { rate: 10gbit, mode: police }" if rate else "link: { mode: police }",
             "default: rest", "classes:", "  rest: {}"]
    lines += [f"  c{i}: {{{rate}}}" for i in range(classes)]
    lines += ["rules:"]
    for i, keys in enumerate(rules):
        match = ", ".join(f"{key}: {value}" for key, value in keys.items())
        lines.append(f"  - {{ class: c{i % classes}, match: {{ {match} }} }}")
    return lines


def many():
    """Nine of ten are networks, the others as those of the chain."""
    return [rule(i // 10) if i % 10 == 9 else {"src" if i % 2 else "dst": f"100.{i >> 8}.{i & 255}.0/24"}
            for i in range(MANY)]


def files():
    chain = [rule(i) for i in range(CHAIN)]
    return {"one.yaml": policy(chain[-1:], 3), "qosctl.yaml": policy(chain, 3),
            "u32.batch": u32_batch(), "flower.batch": flower_batch(),
            "many.yaml": policy(many(), CLASSES, " rate: 500kbit, ceil: 10mbit "),
            "more.yaml": policy([{"dst": "203.0.113.1"}, *many()], CLASSES, " rate: 500kbit, ceil: 10mbit ")}


def run(*command):
    begin = time.monotonic_ns()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, usage = os.wait4(pid, 0)
    print((time.monotonic_ns() - begin) // 1000, usage.ru_maxrss)
    return os.waitstatus_to_exitcode(status)


def of_cost(cases):
    """ns a packet of the cases, and beside the minimal program, with one packet and no queue."""
    found = {c["program"]: c for c in cases if c["packet"] == PACKET and c["queue"] == "no"}
    return {name: {"title": title, "ns": found[name]["ns_median"], "ratio": found[name]["ratio"]}
            for name, title in ((MINIMAL, "minimal EDT program"), *CASES) if name in found}


def of_chain(lines):
    """What each way costs a packet beyond nothing, ns: the median of the rounds' differences."""
    rounds, skipped = {}, {}
    for line in lines:
        what, *rest = line.split(maxsplit=1)
        if what == "skip":
            way, why = rest[0].split(maxsplit=1)
            skipped[way] = why
        if what == "send":
            round_, way, packets, ns = rest[0].split()
            if int(round_):  # the first finds nothing loaded yet
                rounds.setdefault(int(round_), {})[way] = int(ns) / int(packets)
    more = {way: statistics.median(r[way] - r["nothing"] for r in rounds.values())
            for way in WAYS[1:] if way not in skipped}
    return {"rounds": len(rounds), "rules": CHAIN, "nothing_ns": statistics.median(r["nothing"] for r in rounds.values()),
            "ns": more, "skipped": skipped}


def of_apply(lines):
    """Medians: ms, MiB of memory of the command, MiB of the maps."""
    found = {}
    for line in lines:
        if line.startswith("apply "):
            what, us, kib, maps = line.split()[1:]
            found.setdefault(what, []).append((int(us) / 1e3, int(kib) / 1024, int(maps) / 2 ** 20))
    return {what: dict(zip(("ms", "rss_mib", "maps_mib"), map(statistics.median, zip(*all_))))
            for what, all_ in found.items()}


def bar(name, value, most, unit, where):
    return {"bar": name, "measured": value, "most": most, "unit": unit, "met": value <= most, "where": where}


def judge_cost(cost):
    if "11000 rules" not in cost:
        return
    yield bar("cached, 11,000 rules beside 1 rule", cost["11000 rules"]["ns"] / cost["1 rule"]["ns"], 1.1, "times",
              "BPF_PROG_TEST_RUN")
    yield bar("cached, every key, beside the minimal EDT program", cost["10 rules, every key"]["ratio"], 1.5, "times",
              "BPF_PROG_TEST_RUN")
    yield bar("each packet a new flow, 11,000 rules", cost["11000 rules, all new"]["ns"], 1500, "ns", "BPF_PROG_TEST_RUN")


def judge_chain(chain, where):
    for way in ("u32", "flower"):
        if way in chain["ns"]:
            yield bar(f"1,000 rules of mixed kinds beside {way}", chain["ns"]["qosctl"] / chain["ns"][way], 1 / 20, "times",
                      where)


def judge_apply(apply):
    for what, title in (("first", "10,000 rules, 1,000 classes"), ("more", "one rule more")):
        if what in apply:
            yield bar(f"apply of {title}", apply[what]["ms"], 1000, "ms", WHERE["native"])
            yield bar(f"memory of apply, {title}", apply[what]["rss_mib"], 256, "MiB", WHERE["native"])


def document(raw):
    doc = {"kernel": {}, "chain": {}, "bars": []}
    doc["cost"] = of_cost(json.loads((raw / "cost.json").read_text()))
    doc["bars"] += judge_cost(doc["cost"])
    for name, where in WHERE.items():
        if not (raw / name).exists():
            continue
        kernel, *lines = (raw / name).read_text().splitlines()
        doc["kernel"][name] = kernel
        doc["chain"][name] = of_chain(lines)
        doc["bars"] += judge_chain(doc["chain"][name], where)
        if name == "native":
            doc["apply"] = of_apply(lines)
            doc["bars"] += judge_apply(doc["apply"])
    return doc


def chain_rows(chain):
    filters = {way: f"{way}, {len(files()[f'{way}.batch']):,} filters" for way in ("u32", "flower")}
    titles = {"minimal": "minimal EDT program, no rules", "one": "qosctl, 1 rule", "qosctl": "qosctl", **filters}
    for way in WAYS[1:]:
        if way in chain["skipped"]:
            yield [titles[way], "-", chain["skipped"][way]]
        else:
            ns = chain["ns"][way]
            yield [titles[way], f"{ns:.0f}", f"{ns / chain['ns']['qosctl']:.2f}"]


def render(doc):
    lines = ["ns a packet of the whole program, in BPF_PROG_TEST_RUN, no queue",
             *table(["", "ns", "beside the minimal"], [[c["title"], str(c["ns"]), f"{c['ratio']:.2f}"]
                                                       for c in doc["cost"].values()]), ""]
    for name, chain in doc["chain"].items():
        lines += [f"{chain['rules']:,} rules of mixed kinds, of which the last takes the packet; each packet a new flow: ns "
                  f"of CPU more than the {chain['nothing_ns']:.0f} that it takes to send one",
                  f"Linux {doc['kernel'][name]}, {WHERE[name]}, medians of {chain['rounds']} rounds",
                  *table(["", "ns", "times"], list(chain_rows(chain))), ""]
    lines += [f"{MANY:,} rules and {CLASSES:,} classes, mode police, medians",
              *table(["apply", "ms", "MiB, at most", "MiB of maps"],
                     [[{"first": "of all", "same": "nothing changed", "more": "a rule more"}[what],
                       f"{a['ms']:.0f}", f"{a['rss_mib']:.0f}", f"{a['maps_mib']:.0f}"] for what, a in doc["apply"].items()]), "",
              "What is asked of qosctl",
              *table(["", "measured", "at most", "", "on"],
                     [[b["bar"], f"{b['measured']:.2f} {b['unit']}", f"{b['most']:g} {b['unit']}", "ok" if b["met"] else "missed",
                       b["where"]] for b in doc["bars"]]), ""]
    return "\n".join(lines)


def main(verb, *args):
    if verb == "run":
        sys.exit(run(*args))
    if verb == "files":
        for name, lines in files().items():
            pathlib.Path(args[0], name).write_text("\n".join(lines) + "\n")
        return
    doc = document(pathlib.Path(args[0]))
    out = pathlib.Path(args[1])
    (out / "rules.json").write_text(json.dumps(doc, indent=1) + "\n")
    words = render(doc)
    (out / "rules.txt").write_text(words)
    print(words, end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
