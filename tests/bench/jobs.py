# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scenarios as the jobs that tests/bench/guest.sh runs."""
from dataclasses import replace

from scenarios import SPARSE_PORT
from shapers import SHAPERS, Unfit


def per_cpu(sc):
    """The loads as processes: on more CPUs each class is sent from all of them."""
    cpu = 0
    for load in sc.loads:
        parts = min(sc.cpus, load.flows) if load.udp is None else sc.cpus
        for part in range(parts):
            flows = load.flows // parts + (part < load.flows % parts)
            udp = None if load.udp is None else load.udp / parts
            pin = f"taskset -c {cpu % sc.cpus} " if sc.cpus > 1 else ""
            yield f"{load.name}.{part}", replace(load, flows=flows, udp=udp), pin
            cpu += 1


def command(sc, load):
    port = sc.port(load.leaf)
    if load.udp is not None:
        seconds = (sc.end if load.stop is None else load.stop) - load.start
        return f"udpsend SRV {port} --size 1472 --rate {load.udp * 1000:.0f}kbit --at AT --time {seconds:g}"
    words = [f"bulk client SRV {port} --at AT --warm {sc.warm - load.start:g} --time {sc.time:g}",
             f"--flows {load.flows} --cc {load.congestion}"]
    if load.source:
        words.append(f"--src {load.source}")
    if load.dscp:
        words.append(f"--dscp {load.dscp}")
    return " ".join(words)


def counted(sc):
    """The keys of wirecount by class. Where the cost or the delay counts, nobody listens."""
    if sc.kind not in ("rate", "share", "join"):
        return {}
    return {load.leaf: f"{'tcp' if load.udp is None else 'udp'}:{sc.port(load.leaf)}" for load in sc.loads}


def job(sc, shaper):
    """One run as lines of bash; raises Unfit."""
    lines = [f"job {sc.name} {shaper} {sc.bin * 1000:g}ms {int(sc.ecn)} <<'SETUP'", *SHAPERS[shaper](sc), "SETUP"]
    keys = counted(sc)
    if keys:
        lines.append("count " + " ".join(keys.values()))
    for name, load, pin in per_cpu(sc):
        lines.append(f"load {name} {load.start * 1000:.0f} {pin}{command(sc, load)}")
    if sc.kind == "cpu":
        lines.append(f"load busy {sc.warm * 1000:.0f} busy --at AT --time {sc.time:g}")
    if sc.sparse:
        lines.append(f"load sparse 0 chrt -f 10 sparse SRV {SPARSE_PORT} --at AT --time {sc.end:g}")
    return lines + ["go", ""]


def files(scenarios):
    """The jobs by file: one for each topology and number of CPUs."""
    out = {}
    for sc in scenarios:
        where = "2cpu" if sc.cpus > 1 else "forward" if sc.forward else "local"
        lines = out.setdefault(where, ["# shellcheck shell=bash"])
        for shaper in SHAPERS:
            try:
                lines += job(sc, shaper)
            except Unfit:
                continue
    return out
