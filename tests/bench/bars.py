# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of qosctl, and what it reached: each bar with its worst scenario. Nothing is judged
by more than the measured figure, and a missed bar is no failure of the bench."""

OURS = "qosctl"
HTBS = ("htb+fq_codel", "htb+fq")


def ours(found, kind, prefix=""):
    """Scenarios of a kind that qosctl ran, with all shapers' figures."""
    for name, scenario in found.items():
        results = scenario["shapers"]
        if scenario["kind"] == kind and name.removeprefix("2cpu-").startswith(prefix) \
                and "skipped" not in results[OURS]:
            yield name, results


def peer(results, shaper, key):
    """A peer's figure; None when it did not run."""
    return results[shaper].get(key)


def guarantee(found):
    for prefix in ("flood", "two-1v32"):
        for name, results in ours(found, "share", prefix):
            for leaf, got in results[OURS]["classes"].items():
                yield got["of_guarantee"] * 100, f"{name} {leaf}"


def share_error(found):
    for kind in ("share", "join"):
        for name, results in ours(found, kind):
            yield abs(results[OURS]["worst_error"]) * 100, name


def beyond_htb(found):
    """Per cent points further from ideal than the better of the HTBs."""
    for kind in ("share", "join"):
        for name, results in ours(found, kind):
            peers = [abs(peer(results, s, "worst_error")) for s in HTBS if "skipped" not in results[s]]
            if peers:
                yield (abs(results[OURS]["worst_error"]) - min(peers)) * 100, name


def link_use(found):
    for kind in ("cpu", "share", "fair", "sparse"):
        for name, results in ours(found, kind):
            yield results[OURS]["link_use"] * 100, name


def wake(key):
    def values(found):
        for name, results in ours(found, "join"):
            value = results[OURS][key]
            yield float("inf") if value is None else value, name
    return values


def priority(found):
    """Of what is not guaranteed to others: the ideal of the class with high priority."""
    for name, results in ours(found, "share", "priority"):
        got = results[OURS]["classes"]["high"]
        yield got["rate"] / got["ideal"] * 100, name


def fair(found):
    for name, results in ours(found, "fair"):
        yield results[OURS]["jain"], name


def late(value):
    """Requests without an answer are later than any."""
    return float("inf") if value is None else value


def sparse(found):
    for name, results in ours(found, "sparse"):
        yield late(results[OURS]["p99_ms"]), name


def sparse_beyond(shaper):
    def values(found):
        for name, results in ours(found, "sparse"):
            if "skipped" not in results[shaper]:
                theirs, mine = late(peer(results, shaper, "p99_ms")), late(results[OURS]["p99_ms"])
                yield 0.0 if mine == theirs else mine - theirs, name
    return values


def cpu(gso, shaper):
    def values(found):
        for name, results in ours(found, "cpu", "cpu-100-"):
            theirs = peer(results, shaper, "cpu_at_ideal_goodput")
            if name.endswith(gso) and theirs:
                yield results[OURS]["cpu_at_ideal_goodput"] / theirs, name
    return values


# text, unit, the figures, least (>=) or most (<=), bound
BARS = (
    ("guarantee under hostile siblings", "%", guarantee, ">=", 99),
    ("weighted shares off the ideal", "%", share_error, "<=", 5),
    ("further off than the better HTB", "% points", beyond_htb, "<=", 0),
    ("link used while there is demand", "%", link_use, ">=", 97),
    ("a class that wakes has its guarantee", "ms", wake("guarantee_ms"), "<=", 20),
    ("a class that wakes has its share", "ms", wake("share_ms"), "<=", 200),
    ("high priority, of what is not guaranteed", "%", priority, ">=", 97),
    ("Jain's index of flows and hosts", "", fair, ">=", 0.95),
    ("sparse flow's added p99", "ms", sparse, "<=", 5),
    ("sparse p99 beyond HTB + fq_codel", "ms", sparse_beyond("htb+fq_codel"), "<=", 0),
    ("sparse p99 beyond CAKE", "ms", sparse_beyond("cake"), "<=", 0),
    ("CPU, GSO left alone, of HTB + fq_codel", "times", cpu("keep", "htb+fq_codel"), "<=", 1),
    ("CPU, GSO lowered, of CAKE", "times", cpu("low", "cake"), "<=", 0.5),
)


def judge(found):
    """Each bar: its worst figure and where, in how many scenarios it was missed, of how many."""
    out = []
    for words, unit, values, sense, bound in BARS:
        got = list(values(found))
        if not got:
            continue
        pick = min if sense == ">=" else max
        worst, where = pick(got, key=lambda pair: pair[0])
        missed = [at for value, at in got if (value < bound if sense == ">=" else value > bound)]
        out.append({"bar": words, "unit": unit, "needed": f"{sense} {bound}",
                    "worst": None if worst == float("inf") else worst, "where": where,
                    "missed": missed, "of": len(got)})
    return out
