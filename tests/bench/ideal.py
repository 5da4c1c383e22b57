# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each class ought to get: HTB's promise as arithmetic, knowing nothing of any shaper."""
import math

PRIORITIES = ("high", "normal", "low")


def fill(amount, wants, weights):
    """Weighted max-min: shares amount so that who gets less than it wants gets weight * x, for one x."""
    got = {name: 0.0 for name in wants}
    open_ = {name for name, want in wants.items() if want > 0}
    while open_ and amount > 1e-9:
        x = amount / sum(weights[name] for name in open_)
        full = {name for name in open_ if wants[name] - got[name] <= x * weights[name]}
        for name in full or open_:
            step = wants[name] - got[name] if full else x * weights[name]
            got[name] += step
            amount -= step
        open_ = open_ - full if full else set()
    return got


def wanted(cls, demand):
    """What a class can use of a link without end."""
    want = sum(wanted(c, demand) for c in cls.classes) if cls.classes else demand.get(cls.name, 0.0)
    return min(want, cls.ceil) if cls.ceil is not None else want


def rank(cls):
    """An inner class borrows with the best priority below it."""
    if not cls.classes:
        return PRIORITIES.index(cls.priority)
    return min(rank(c) for c in cls.classes)


def shares(capacity, classes, demand):
    """The rate of each leaf: guarantees first, then by priority, then by weight, below each ceiling.

    demand: of the leaves that have one, in the unit of capacity.
    """
    want = {c.name: wanted(c, demand) for c in classes}
    got = {c.name: min(c.rate, want[c.name]) for c in classes}
    weight = {c.name: c.rate if c.weight is None else c.weight for c in classes}
    for level in range(len(PRIORITIES)):
        left = capacity - sum(got.values())
        here = {c.name: want[c.name] - got[c.name] for c in classes if rank(c) == level}
        for name, extra in fill(left, here, weight).items():
            got[name] += extra
    result = {}
    for c in classes:
        if c.classes:
            result.update(shares(got[c.name], c.classes, demand))
        else:
            result[c.name] = got[c.name]
    return result


def jain(values):
    """Jain's fairness index: 1 when all are equal, 1/n when one has all."""
    square = sum(v * v for v in values)
    return sum(values) ** 2 / (len(values) * square) if square else 0.0


def percentile(values, q):
    """The value that q of all are not above (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def lateness(bins, width, rate):
    """How late a guarantee was at worst: the least T for which t seconds gave rate * (t - T).

    bins: bytes by time since there was demand; rate in bit/s. It is the latency of the
    rate-latency service curve (Le Boudec, Network Calculus, 1.3).
    """
    worst, sent = 0.0, 0
    for i, count in enumerate(bins):
        # just before the bin's bytes, of which it is not known when they came
        worst = max(worst, i * width - sent * 8 / rate)
        sent += count
    return worst


def reached(bins, width, rate, over=0.1):
    """When the mean over the time that follows was at least the rate (bit/s) first; None: never."""
    n = round(over / width)
    for i in range(len(bins) - n + 1):
        if sum(bins[i:i + n]) * 8 / over >= rate:
            return i * width
    return None
