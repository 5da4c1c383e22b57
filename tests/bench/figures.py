# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what the guest measured in a run to its figures."""
import json
import math

import ideal
import jobs
from scenarios import ALONE, MTU_FRAME, SEGMENT, SPARSE_FRAME
from shapers import SHAPERS, Unfit

GOODPUT = SEGMENT / MTU_FRAME


class Run:
    """The files of one scenario and shaper."""

    def __init__(self, sc, path):
        self.sc, self.path = sc, path

    def read(self, name):
        return json.loads((self.path / f"{name}.json").read_text())

    def bulk(self, load):
        """Bytes acknowledged of each flow, and the seconds, of a load's processes."""
        parts = [self.read(name) for name, part, _ in jobs.per_cpu(self.sc)
                 if name.rpartition(".")[0] == load.name and part.leaf == load.leaf]
        return [b for part in parts for b in part["bytes"]], parts[0]["time_ns"] / 1e9

    def wire(self):
        """Bytes by class and bin, all as long as the run."""
        wire = self.read("wire")
        if wire["dropped"]:
            raise ValueError("wirecount did not see every packet")
        keys = wire["keys"]
        length = round(self.sc.end / self.sc.bin)
        bins = {}
        for leaf, key in jobs.counted(self.sc).items():
            counts = keys[key]["intervals"][:length]
            bins[leaf] = counts + [0] * (length - len(counts))
        return bins

    def goodput(self):
        """Mbit/s by class, of TCP; of UDP it is taken from the wire."""
        got = {}
        for load in self.sc.loads:
            if load.udp is None:
                flows, seconds = self.bulk(load)
                got[load.leaf] = got.get(load.leaf, 0) + sum(flows) * 8 / seconds / 1e6
        return got


def span(bins, width, start, stop):
    """The bins from one time to another."""
    return bins[round(start / width):round(stop / width)]


def mean(bins, width):
    return sum(bins) * 8 / (len(bins) * width) / 1e6


def error(value, want):
    return (value - want) / want if want else 0.0


def demand(sc, active):
    return {load.leaf: math.inf if load.udp is None else load.udp for load in sc.loads if load.leaf in active}


def link_use(sc, wire, goodput):
    """What arrived of what could: TCP by its goodput, UDP by the wire."""
    used = sum(goodput.get(leaf, wire.get(leaf, 0) * GOODPUT) for leaf in wire.keys() | goodput.keys())
    return used / (sc.link * GOODPUT)


def beyond(sc, bins):
    """ms of the link that left beyond its rate since some moment before: at most, and, in the mean of
    the last tenth, what still stands in the network's next queue."""
    queue, queues = 0, []
    for counts in zip(*bins.values()):
        queue = max(0, queue + sum(counts) - sc.link * 1e6 / 8 * sc.bin)
        queues.append(queue * 8 / sc.link / 1e3)
    last = queues[-max(1, len(queues) // 10):]
    return {"most_beyond_ms": max(queues), "standing_ms": sum(last) / len(last)}


def share_figures(run):
    sc, bins, goodput = run.sc, run.wire(), run.goodput()
    want = ideal.shares(sc.link, sc.classes, demand(sc, {load.leaf for load in sc.loads}))
    guarantee = {leaf.name: leaf.rate for leaf in sc.leaves()}
    classes, wire = {}, {}
    for leaf, counts in bins.items():
        wire[leaf] = mean(span(counts, sc.bin, sc.warm, sc.end), sc.bin)
        classes[leaf] = {"rate": wire[leaf], "ideal": want[leaf], "error": error(wire[leaf], want[leaf]),
                         "goodput": goodput.get(leaf, wire[leaf]),
                         "of_guarantee": wire[leaf] / min(guarantee[leaf], want[leaf])}
    worst = max((c["error"] for c in classes.values()), key=abs)
    return {"classes": classes, "worst_error": worst, "link_use": link_use(sc, wire, goodput), **beyond(sc, bins)}


def join_figures(run):
    sc, bins = run.sc, run.wire()
    waker = next(load for load in sc.loads if load.stop is not None)
    other = next(load for load in sc.loads if load.stop is None)
    rate = {leaf.name: leaf.rate for leaf in sc.leaves()}
    both = ideal.shares(sc.link, sc.classes, demand(sc, {waker.leaf, other.leaf}))
    alone = ideal.shares(sc.link, sc.classes, demand(sc, {other.leaf}))
    awake = span(bins[waker.leaf], sc.bin, waker.start, waker.stop)
    after = span(bins[other.leaf], sc.bin, waker.stop, sc.end)
    steady = {leaf: mean(span(b, sc.bin, waker.start + 1, waker.stop), sc.bin) for leaf, b in bins.items()}

    def ms(seconds):
        return None if seconds is None else seconds * 1000

    return {
        "guarantee_ms": ms(ideal.lateness(awake, sc.bin, rate[waker.leaf] * 1e6)),
        "share_ms": ms(ideal.reached(awake, sc.bin, .95 * both[waker.leaf] * 1e6)),
        "leave_ms": ms(ideal.reached(after, sc.bin, .95 * alone[other.leaf] * 1e6)),
        "classes": {leaf: {"rate": r, "ideal": both[leaf], "error": error(r, both[leaf])}
                    for leaf, r in steady.items()},
        "worst_error": max((error(r, both[leaf]) for leaf, r in steady.items()), key=abs),
    }


def rate_figures(run):
    sc = run.sc
    rate = mean(span(run.wire()["all"], sc.bin, sc.warm, sc.end), sc.bin)
    return {"rate": rate, "ideal": sc.link, "error": error(rate, sc.link)}


def cpu_figures(run):
    busy = run.read("busy")
    goodput = run.goodput()["all"]
    want = run.sc.link * GOODPUT
    percent = busy["busy_ns"] / busy["time_ns"] * 100
    return {"cpu_percent": percent, "goodput": goodput, "ideal": want, "error": error(goodput, want),
            "cpu_at_ideal_goodput": percent * want / goodput if goodput else None,
            "link_use": goodput / want}


def fair_figures(run):
    sc = run.sc
    flows, hosts, seconds = [], {}, 1
    for load in sc.loads:
        each, seconds = run.bulk(load)
        flows += each
        hosts[load.source] = sum(each)
    fair = list(hosts.values()) if len(hosts) > 1 else flows
    mbits = [b * 8 / seconds / 1e6 for b in fair]
    want = sc.link * GOODPUT / len(fair)
    return {"jain": ideal.jain(fair), "of": "hosts" if len(hosts) > 1 else "flows",
            "each": sorted(mbits), "ideal": want,
            "worst_error": max((error(m, want) for m in mbits), key=abs),
            "link_use": sum(mbits) / (sc.link * GOODPUT)}


def sparse_figures(run):
    sc, probe = run.sc, run.read("sparse")
    samples = [(us / 1e6, math.inf if rtt < 0 else rtt / 1e3) for us, rtt in zip(probe["us"], probe["rtt_us"])]
    alone = [ms for at, ms in samples if at < ALONE]
    loaded = [ms for at, ms in samples if sc.warm <= at < sc.end]
    base = ideal.percentile(alone, .5)

    def added(q):
        value = ideal.percentile(loaded, q)
        return None if math.isinf(value) else value - base

    goodput = sum(run.goodput().values())
    answered = sum(map(math.isfinite, loaded)) * SPARSE_FRAME * 8 / sc.time / 1e6
    return {"alone_ms": base, "p50_ms": added(.5), "p99_ms": added(.99), "max_ms": added(1),
            "lost": sum(map(math.isinf, loaded)), "requests": len(loaded),
            "goodput": goodput, "ideal": (sc.link - answered) * GOODPUT,
            "link_use": (goodput / GOODPUT + answered) / sc.link}


def samples(run):
    """The delays added to each request that counts, for the picture; those without an answer last."""
    base = sparse_figures(run)["alone_ms"]
    probe, sc = run.read("sparse"), run.sc
    return [math.inf if rtt < 0 else rtt / 1e3 - base
            for us, rtt in zip(probe["us"], probe["rtt_us"]) if sc.warm <= us / 1e6 < sc.end]


KINDS = {"rate": rate_figures, "cpu": cpu_figures, "share": share_figures, "join": join_figures,
         "fair": fair_figures, "sparse": sparse_figures}


def take(sc, shaper, raw):
    """The figures of a run, or {"skipped": why}."""
    path = raw / sc.name / shaper
    try:
        SHAPERS[shaper](sc)
    except Unfit as why:
        return {"skipped": str(why)}
    if not path.is_dir():
        return {"skipped": "it was not run"}
    why = (path / "why").read_text().strip()
    if not (path / "qdisc.json").exists():
        return {"skipped": why.splitlines()[0] if why else "the run did not end"}
    said = (path / "errors").read_text().strip()
    if said:
        return {"skipped": said.splitlines()[0]}
    try:
        return KINDS[sc.kind](Run(sc, path))
    except (OSError, ValueError, KeyError, IndexError) as broken:
        return {"skipped": f"its output cannot be used: {broken!r}"}
