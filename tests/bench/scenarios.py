# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the bench does: every scenario with its parameters, and nothing of how it is done.

Rates are in Mbit/s of Ethernet frames, times in seconds from the beginning of a run.
"""
from dataclasses import dataclass, field, replace

MTU_FRAME = 1514
SEGMENT = 1448  # what a full frame carries of TCP with timestamps, over IPv4
FIRST_PORT = 5001  # of the first leaf; the next ones follow
SPARSE_PORT = 6001
SPARSE_FRAME = 106  # 64 bytes of payload


@dataclass(frozen=True)
class Class:
    """A class of the tree. Without a rate, weight is what it shares by; else the rate."""

    name: str
    rate: float
    ceil: float | None = None
    weight: int | None = None
    priority: str = "normal"
    fairness: str = "flow"
    classes: tuple["Class", ...] = ()


@dataclass(frozen=True)
class Load:
    """Traffic of one class: greedy TCP flows, or UDP at a rate."""

    leaf: str
    flows: int = 1
    udp: float | None = None
    congestion: str = "cubic"
    source: str | None = None
    dscp: int = 0
    start: float = 0
    stop: float | None = None  # the run's end

    @property
    def name(self):
        return self.leaf if self.source is None else self.source


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str  # rate, cpu, share, join, fair, sparse: which figures are taken
    classes: tuple[Class, ...]
    loads: tuple[Load, ...]
    link: float = 100
    warm: float = 1.0  # what is before does not count
    time: float = 3.0  # what counts
    bin: float = 0.01  # of the bytes counted on the wire
    gso: str = "low"  # keep: as the device has it; low: what qosctl lowers it to, for all
    ecn: bool = False
    forward: bool = False
    cpus: int = 1
    sparse: bool = False
    groups: tuple[str, ...] = field(default=())

    @property
    def end(self):
        return self.warm + self.time

    def leaves(self):
        return [c for top in self.classes for c in leaves_of(top)]

    def port(self, leaf):
        return FIRST_PORT + [c.name for c in self.leaves()].index(leaf)


def leaves_of(cls):
    if not cls.classes:
        return [cls]
    return [leaf for child in cls.classes for leaf in leaves_of(child)]


def one(link, fairness="flow"):
    return (Class("all", link, fairness=fairness),)


# How long to look: rare packets and costly ones decide.
COUNTED = {1: 8.0, 10: 4.0, 100: 1.5, 500: 0.6}
WARM = {1: 2.0, 10: 1.0, 100: 0.7, 500: 0.4}


def rates():
    """One class: is the rate exact, and what does it cost?"""
    for link, counted in COUNTED.items():
        # more than the class may send, not so much that the guest has no time for it
        udp = 1.2 * link if link < 500 else 1.05 * link
        yield Scenario(f"rate-{link}", f"one class of {link} Mbit/s, more UDP than that", "rate",
                       one(link), (Load("all", udp=udp),), link=link, warm=WARM[link], time=counted)
    for link, counted in COUNTED.items():
        for flows in (1, 8):
            for gso in ("keep", "low"):
                yield Scenario(
                    f"cpu-{link}-{flows}-{gso}",
                    f"CPU at {link} Mbit/s, {flows} TCP flow{'s'[:flows > 1]}, "
                    + ("GSO left alone" if gso == "keep" else "GSO lowered to 1 ms"),
                    "cpu", one(link), (Load("all", flows=flows),), link=link, warm=WARM[link],
                    time=counted, gso=gso)


PAIR = (Class("x", 10), Class("y", 30))
FIVE = tuple(Class(f"c{i}", 4 * i) for i in range(1, 6))
PRIORITIES = (Class("high", 10, priority="high"), Class("normal", 20), Class("low", 10, priority="low"))
TREE = (
    Class("a", 60, classes=(Class("a1", 20), Class("a2", 40))),
    Class("b", 40, classes=(Class("b1", 30), Class("b2", 10, classes=(Class("b21", 5), Class("b22", 5))))),
)
CEILINGS = (Class("p", 10, ceil=15), Class("q", 30, ceil=40), Class("r", 20))
INNER_CEIL = (Class("a", 2), Class("b", 20, ceil=30, classes=(Class("b1", 10), Class("b2", 10))))
FLOOD = (Class("flood", 10), Class("tcp", 60))

JOIN, LEAVE = 1.5, 3.5


def shares():
    """Classes that share a link, by weight, priority and ceiling."""
    for flows in (1, 4, 32):
        yield Scenario(f"two-1v{flows}", f"weights 1:3, {flows} TCP flows in x against 1 in y", "share",
                       PAIR, (Load("x", flows), Load("y", 1)))
    yield Scenario("two-w", "weights 3:1 over equal guarantees of 10, 4 TCP flows each", "share",
                   (Class("x", 10, weight=3), Class("y", 10, weight=1)), (Load("x", 4), Load("y", 4)))
    yield Scenario("five", "five classes, weights 1:2:3:4:5, 2 TCP flows each", "share",
                   FIVE, tuple(Load(c.name, 2) for c in FIVE))
    yield Scenario("join", "x (UDP, rate 30, weight 3) wakes beside y (4 TCP flows, rate 10) and leaves",
                   "join", (Class("x", 30), Class("y", 10)),
                   (Load("x", udp=90, start=JOIN, stop=LEAVE), Load("y", 4)),
                   warm=0.7, time=4.3, bin=0.002)
    yield Scenario("flood", "200 Mbit/s of UDP (rate 10) against 4 TCP flows (rate 60)", "share",
                   FLOOD, (Load("flood", udp=200), Load("tcp", 4)))
    yield Scenario("priority", "three priorities with guarantees 10, 20, 10, 2 TCP flows each", "share",
                   PRIORITIES,
                   (Load("high", 2, dscp=46), Load("normal", 2), Load("low", 2, dscp=8)))
    yield Scenario("tree", "three levels, b22 idle: a1 4 flows, a2 1, b1 1, b21 8", "share",
                   TREE, (Load("a1", 4), Load("a2", 1), Load("b1", 1), Load("b21", 8)))
    yield Scenario("ceilings", "ceilings below the share, 2 TCP flows each", "share",
                   CEILINGS, tuple(Load(c.name, 2) for c in CEILINGS))
    yield Scenario("inner-ceil", "a ceiling of an inner class, far below its share by weight", "share",
                   INNER_CEIL, (Load("a", 2), Load("b1", 2), Load("b2", 2)))


HOSTS = ("10.1.0.11", "10.1.0.12")


def fairness():
    """Flows and hosts inside one class."""
    for flows in (2, 8, 32, 128):
        yield Scenario(f"flows-{flows}", f"{flows} TCP flows of one class", "fair", one(100),
                       (Load("all", flows),), warm=1.5)
    yield Scenario("hosts", "1 host with 32 TCP flows against 1 host with 1", "fair",
                   one(100, "src-host"),
                   (Load("all", 32, source=HOSTS[0]), Load("all", 1, source=HOSTS[1])), warm=1.5)


# A sparse flow is measured alone first, then beside the load, in the same run.
ALONE = 0.3
# Then the load has a while to settle; slower links take longer.
SETTLE = {10: 1.0, 100: 0.7}
ASKED = {10: 1.7, 100: 1.5}


# Linux's bbr is of version 1: it asks for ECN where that is on, and does not slow down for a mark.
LOADS = {"cubic": ("cubic", False), "ecn": ("cubic", True), "bbr": ("bbr", False), "bbr-ecn": ("bbr", True)}


def sparse(prefix, forward):
    where = ", forwarded" if forward else ""
    for link in (10, 100):
        for kind, (congestion, ecn) in LOADS.items():
            for flows in (1, 4, 32):
                yield Scenario(
                    f"{prefix}-{link}-{kind}-{flows}",
                    f"100 sparse flows under {flows} of {congestion}, ECN {'on' if ecn else 'off'}, "
                    f"{link} Mbit/s{where}",
                    "sparse", one(link), (Load("all", flows, congestion=congestion, start=ALONE),),
                    link=link, warm=ALONE + SETTLE[link], time=ASKED[link], ecn=ecn, forward=forward, sparse=True)


TWO_CPUS = ("two-1v4", "five", "flood", "priority", "flows-8", "sparse-100-cubic-4")


def table():
    """All scenarios by name, in their order."""
    groups = {
        "rate": rates(),
        "share": shares(),
        "fair": fairness(),
        "sparse": sparse("sparse", False),
        "forward": sparse("forward", True),
    }
    found = {s.name: replace(s, groups=(g,)) for g, rows in groups.items() for s in rows}
    for name in TWO_CPUS:
        s = found[name]
        found[f"2cpu-{name}"] = replace(s, name=f"2cpu-{name}", title=f"{s.title}; 2 CPUs", cpus=2,
                                        groups=("2cpu",))
    return found
