# SPDX-License-Identifier: LGPL-2.1-or-later
"""How each shaper is set up for a scenario: a script for the guest, which knows $DEV.

Each peer has what its own documentation recommends; the reasons are beside the numbers. GSO packets are as
long for all as qosctl makes them, but in scenarios that leave GSO alone: bufferbloat.net says to turn it off, and
the peers' shares and delays are better for it (32 flows of cubic at 10 Mbit/s, a request's p99 with HTB + fq: 80 in
place of 510 ms).
"""
from scenarios import MTU_FRAME

MTU = 1500
GSO_MAX = 65536
PRIO = {"high": 0, "normal": 1, "low": 2}


class Unfit(Exception):
    """Why a shaper cannot do a scenario."""


def mbit(rate):
    return f"{rate * 1000:.0f}kbit"


def low_gso(link):
    """A millisecond of the link, and at least two full packets, below what a device may have."""
    return int(max(2 * MTU_FRAME, min(GSO_MAX, link * 1e6 / 8 / 1000)))


def lower_gso(sc):
    return [f"ip link set dev $DEV gso_max_size {low_gso(sc.link)}"] if sc.gso == "low" else []


def largest(sc):
    """A GSO packet with the headers of its segments."""
    return round(1.07 * (low_gso(sc.link) if sc.gso == "low" else GSO_MAX))


def only_class(sc, name):
    if len(sc.leaves()) > 1:
        raise Unfit(f"{name} has no classes")
    return sc.leaves()[0]


# --- qosctl ------------------------------------------------------------------------------------


def policy_class(cls, indent):
    keys = [f"rate: {mbit(cls.rate)}"]
    if cls.ceil is not None:
        keys.append(f"ceil: {mbit(cls.ceil)}")
    if cls.weight is not None:
        keys.append(f"weight: {cls.weight}")
    if cls.priority != "normal":
        keys.append(f"priority: {cls.priority}")
    if cls.fairness != "flow":
        keys.append(f"fairness: {cls.fairness}")
    head = f"{indent}{cls.name}:"
    if not cls.classes:
        return [f"{head} {{ {', '.join(keys)} }}"]
    lines = [head] + [f"{indent}  {key}" for key in keys] + [f"{indent}  classes:"]
    for child in cls.classes:
        lines += policy_class(child, indent + "    ")
    return lines


def policy(sc):
    """The policy file that a user would write."""
    gso = ", gso: keep" if sc.gso == "keep" else ""
    leaves = sc.leaves()
    lines = ["interface: $DEV", f"link: {{ rate: {mbit(sc.link)}{gso} }}", f"default: {leaves[0].name}",
             "classes:"]
    for cls in sc.classes:
        lines += policy_class(cls, "  ")
    if len(leaves) > 1:
        lines.append("rules:")
        for leaf in leaves:
            match = f"proto: [tcp, udp], dport: {sc.port(leaf.name)}"
            lines.append(f"  - {{ class: {leaf.name}, match: {{ {match} }} }}")
    return lines


def qosctl(sc):
    return ["cat >/tmp/$DEV.yaml <<POLICY", *policy(sc), "POLICY", "qosctl apply /tmp/$DEV.yaml"]


# --- HTB ---------------------------------------------------------------------------------------


def fq_codel(rate):
    """tc-fq_codel(8), and bufferbloat.net's best practices for it.

    The target is at least one and a half packets' time, the interval grows with it; small
    packets come first (quantum 300) below 100 Mbit/s. Of the 1,024 queues that it has by default 32
    flows meet 3 % of all others, and a p99 would be of that: it has as many as it can have.
    """
    packet_us = MTU_FRAME * 8 / rate
    target = max(5000, round(1.5 * packet_us))
    quantum = 300 if rate < 100 else MTU_FRAME
    return f"fq_codel flows 65536 target {target}us interval {95000 + target}us quantum {quantum}"


def htb_burst(rate, least=1600):
    """tc-htb(8): what a timer may be late by, here 1 ms."""
    return max(least, round(rate * 1e6 / 8 / 1000))


def htb_class(cls, minor, parent, siblings, sc):
    """tc-htb(8): the quantum, by which it shares what it lends, is in the proportion of the weights.

    It is not below the largest packet: a class has its turn whatever it owes (htb_dequeue_tree),
    so less would share by packets. Nor is the burst, where there are siblings to wait for: what
    comes to a full bucket in the meantime is lost. Both were tried: with less, the shares of
    TCP flows were off by 20 to 100 %, with this by 2 % at most.
    """
    ceil = sc.link if cls.ceil is None else cls.ceil
    weight = cls.rate if cls.weight is None else cls.weight
    unit = min(c.rate if c.weight is None else c.weight for c in siblings)
    least = largest(sc) if len(siblings) > 1 else 1600
    burst, cburst = htb_burst(cls.rate, least), htb_burst(ceil, least)
    return (f"tc class add dev $DEV parent {parent} classid 1:{minor:x} htb rate {mbit(cls.rate)} "
            f"ceil {mbit(ceil)} burst {burst} cburst {cburst} quantum {round(largest(sc) * weight / unit)} "
            f"prio {PRIO[cls.priority]}")


def htb_tree(sc, leaf_qdisc):
    lines, leaves, count = [], {}, [1]

    def add(classes, parent):
        for cls in classes:
            count[0] += 1
            minor = count[0]
            lines.append(htb_class(cls, minor, parent, classes, sc))
            if cls.classes:
                add(cls.classes, f"1:{minor:x}")
                continue
            leaves[cls.name] = minor
            lines.append(f"tc qdisc add dev $DEV parent 1:{minor:x} handle {minor:x}0: {leaf_qdisc(cls)}")

    add(sc.classes, "1:1")
    return lines, leaves


def htb(sc, leaf_qdisc):
    lines, leaves = htb_tree(sc, leaf_qdisc)
    burst = htb_burst(sc.link)
    out = lower_gso(sc) + [
        f"tc qdisc add dev $DEV root handle 1: htb default 0x{min(leaves.values()):x}",
        f"tc class add dev $DEV parent 1: classid 1:1 htb rate {mbit(sc.link)} ceil {mbit(sc.link)} "
        f"burst {burst} cburst {burst} quantum {largest(sc)}", *lines]
    if len(leaves) > 1:
        out += [f"tc filter add dev $DEV parent 1: protocol ip prio 1 u32 match ip dport "
                f"{sc.port(name)} 0xffff flowid 1:{minor:x}" for name, minor in leaves.items()]
    return out, leaves


def htb_fq_codel(sc):
    out, leaves = htb(sc, lambda cls: fq_codel(cls.rate))
    for leaf in sc.leaves():
        if leaf.fairness == "src-host":
            # tc-flow(8): fq_codel takes a classifier in place of its own hash, and drops what
            # that does not know
            out.append(f"tc filter add dev $DEV parent {leaves[leaf.name]:x}0: protocol all prio 1 "
                       "handle 1 flow hash keys src divisor 1024")
    return out


def htb_fq(sc):
    if any(leaf.fairness != "flow" for leaf in sc.leaves()):
        raise Unfit("fq is fair to flows, not to hosts")
    return htb(sc, lambda cls: "fq")[0]


# --- others ------------------------------------------------------------------------------------


def cake(sc):
    """tc-cake(8): the bandwidth, and no tins where there is one class; it splits GSO by itself.

    Classes of different priorities are the tins of diffserv3; the loads have the DSCP for them.
    """
    leaves = sc.leaves()
    if len({leaf.priority for leaf in leaves}) != len(leaves):
        raise Unfit("CAKE has tins of its own shares, no classes")
    tins = "diffserv3" if len(leaves) > 1 else "besteffort"
    hosts = "dual-srchost" if leaves[0].fairness == "src-host" else "triple-isolate"
    return lower_gso(sc) + [f"tc qdisc add dev $DEV root cake bandwidth {mbit(sc.link)} {tins} {hosts}"]


def tbf(sc):
    """tc-tbf(8): at least rate/HZ in the bucket; and a GSO packet, which it would
    cut, as it may one of 64 KB below 100 Mbit/s.
    """
    leaf = only_class(sc, "TBF")
    if leaf.fairness != "flow":
        raise Unfit("TBF is one queue")
    whole = largest(sc) if sc.gso == "low" or sc.link >= 100 else 2 * MTU_FRAME
    burst = max(whole, round(sc.link * 1e6 / 8 / 250))
    return lower_gso(sc) + [f"tc qdisc add dev $DEV root tbf rate {mbit(sc.link)} burst {burst} latency 50ms"]


def edt(sc):
    """Cilium's bandwidth manager: its clock, its horizon of 2 s, fq below with its buckets."""
    leaf = only_class(sc, "the minimal EDT program")
    if leaf.fairness != "flow":
        raise Unfit("the minimal EDT program has one queue")
    rate = round(sc.link * 1e6 / 8)
    value = b"".join(v.to_bytes(8, "little") for v in (rate, 0, 2_000_000_000, 0, 0, 0, 0))
    hexes = " ".join(f"{b:02x}" for b in value)
    lines = lower_gso(sc) + [
        "tc qdisc add dev $DEV root fq buckets 32768 horizon 2s",
        "tc qdisc add dev $DEV clsact",
        "tc filter add dev $DEV egress bpf direct-action obj $EDT sec tc"]
    # the queue that it finds the clock by: 0 for what is sent here, 1 for what comes from a veth
    return lines + [f"bpftool map update name edt_aggregates key hex {q:02x} 00 00 00 value hex {hexes}"
                    for q in (0, 1)]


SHAPERS = {
    "qosctl": qosctl,
    "htb+fq_codel": htb_fq_codel,
    "htb+fq": htb_fq,
    "cake": cake,
    "tbf": tbf,
    "edt": edt,
}
