# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bench's arithmetic, against what was worked out by hand."""
import json
import math
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import apply  # noqa: E402
import bars  # noqa: E402
import figures  # noqa: E402
import ideal  # noqa: E402
import jobs  # noqa: E402
import rules  # noqa: E402
import scenarios  # noqa: E402
import svg  # noqa: E402
from scenarios import Class, Load, Scenario  # noqa: E402

GREEDY = math.inf


def greedy(*names):
    return {name: GREEDY for name in names}


class Ideal(unittest.TestCase):
    def same(self, got, want):
        self.assertEqual(got.keys(), want.keys())
        for name, value in want.items():
            self.assertAlmostEqual(got[name], value, 6, name)

    def test_by_weight(self):
        self.same(ideal.shares(100, scenarios.PAIR, greedy("x", "y")), {"x": 25, "y": 75})
        self.same(ideal.shares(100, scenarios.FIVE, greedy("c1", "c2", "c3", "c4", "c5")),
                  {"c1": 100 / 15, "c2": 200 / 15, "c3": 20, "c4": 400 / 15, "c5": 500 / 15})

    def test_weight_is_of_what_is_over(self):
        pair = (Class("x", 10, weight=3), Class("y", 10, weight=1))
        self.same(ideal.shares(100, pair, greedy("x", "y")), {"x": 70, "y": 30})

    def test_what_one_does_not_want_others_get(self):
        self.same(ideal.shares(100, scenarios.PAIR, {"x": 5, "y": GREEDY}), {"x": 5, "y": 95})
        self.same(ideal.shares(100, scenarios.PAIR, {"x": 22, "y": 30}), {"x": 22, "y": 30})
        self.same(ideal.shares(100, scenarios.PAIR, {"x": GREEDY}), {"x": 100, "y": 0})

    def test_priority_comes_before_weight_and_after_guarantees(self):
        self.same(ideal.shares(100, scenarios.PRIORITIES, greedy("high", "normal", "low")),
                  {"high": 70, "normal": 20, "low": 10})
        self.same(ideal.shares(100, scenarios.PRIORITIES, {"high": 30, "normal": 40, "low": GREEDY}),
                  {"high": 30, "normal": 40, "low": 30})

    def test_ceilings(self):
        self.same(ideal.shares(100, scenarios.CEILINGS, greedy("p", "q", "r")), {"p": 15, "q": 40, "r": 45})

    def test_tree(self):
        self.same(ideal.shares(100, scenarios.TREE, greedy("a1", "a2", "b1", "b21")),
                  {"a1": 20, "a2": 40, "b1": 30, "b21": 10, "b22": 0})
        self.same(ideal.shares(100, scenarios.TREE, greedy("a1", "b21", "b22")),
                  {"a1": 60, "a2": 0, "b1": 0, "b21": 20, "b22": 20})

    def test_jain(self):
        self.assertEqual(ideal.jain([7, 7, 7]), 1)
        self.assertEqual(ideal.jain([1, 0, 0, 0]), .25)
        self.assertAlmostEqual(ideal.jain([1, 3]), .8)

    def test_percentile(self):
        hundred = list(range(100, 0, -1))
        self.assertEqual([ideal.percentile(hundred, q) for q in (.5, .99, 1)], [50, 99, 100])
        self.assertEqual(ideal.percentile([1, math.inf], 1), math.inf)

    def test_lateness(self):
        on_time = [2000] * 50  # 8 Mbit/s in bins of 2 ms
        self.assertAlmostEqual(ideal.lateness(on_time, .002, 8e6), 0)
        self.assertAlmostEqual(ideal.lateness([0] * 10 + on_time, .002, 8e6), .020)
        # what came too early is not owed again
        self.assertAlmostEqual(ideal.lateness([20000] + [0] * 14 + on_time, .002, 8e6), .010)

    def test_reached(self):
        bins = [0] * 10 + [2000] * 100
        self.assertAlmostEqual(ideal.reached(bins, .002, 8e6), .020)
        self.assertIsNone(ideal.reached(bins, .002, 9e6))


class Figures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.raw = pathlib.Path(folder.name)

    def put(self, sc, shaper="qosctl", **files):
        path = self.raw / sc.name / shaper
        path.mkdir(parents=True, exist_ok=True)
        for name, content in {"qdisc": [], **files}.items():
            (path / f"{name}.json").write_text(json.dumps(content))
        (path / "why").write_text("")
        (path / "errors").write_text("")

    def test_share(self):
        sc = Scenario("s", "", "share", scenarios.PAIR, (Load("x", 2), Load("y")), warm=1, time=1)

        def key(mbit):  # four times as much in the part that does not count
            return {"intervals": [round(mbit * 5000)] * 100 + [round(mbit * 1250)] * 100}

        def flow(*mbits):
            return {"time_ns": 1e9, "bytes": [m * 125000 for m in mbits]}

        self.put(sc, wire={"dropped": 0, "keys": {"tcp:5001": key(30), "tcp:5002": key(70)}},
                 **{"x.0": flow(10, 18), "y.0": flow(66)})
        got = figures.take(sc, "qosctl", self.raw)
        self.assertAlmostEqual(got["classes"]["x"]["error"], .2)
        self.assertAlmostEqual(got["worst_error"], .2)
        self.assertAlmostEqual(got["classes"]["y"]["of_guarantee"], 70 / 30)
        self.assertAlmostEqual(got["link_use"], (10 + 18 + 66) / (100 * 1448 / 1514))
        self.assertAlmostEqual(got["most_beyond_ms"], 3000)
        self.assertAlmostEqual(got["standing_ms"], 3000)

    def test_beyond_the_link(self):
        sc = Scenario("s", "", "share", scenarios.PAIR, (), link=8, warm=0, time=.2)
        got = figures.beyond(sc, {"x": [30000] + [8000] * 5 + [0] * 14, "y": [0] * 6 + [9000] * 14})
        self.assertAlmostEqual(got["most_beyond_ms"], 20)
        self.assertAlmostEqual(got["standing_ms"], 0)

    def test_sparse(self):
        sc = Scenario("s", "", "sparse", scenarios.one(10), (Load("all", start=.3),), link=10, warm=1, time=2,
                      sparse=True)
        at = [i * 1e4 for i in range(300)]  # 30 before the load, 70 that do not count, 200 that do
        rtt = [100.0] * 30 + [9e6] * 70 + [1100.0] * 196 + [5100.0] * 3 + [-1]
        self.put(sc, sparse={"us": at, "rtt_us": rtt}, **{"all.0": {"time_ns": 2e9, "bytes": [0]}})
        got = figures.take(sc, "qosctl", self.raw)
        self.assertAlmostEqual(got["p50_ms"], 1)
        self.assertAlmostEqual(got["p99_ms"], 5)
        self.assertIsNone(got["max_ms"])
        self.assertEqual((got["lost"], got["requests"]), (1, 200))

    def test_cpu_is_for_the_same_goodput(self):
        sc = Scenario("s", "", "cpu", scenarios.one(100), (Load("all"),))
        half = 100e6 / 8 * 1448 / 1514 / 2
        self.put(sc, busy={"time_ns": 1e9, "busy_ns": 1e7}, **{"all.0": {"time_ns": 1e9, "bytes": [half]}})
        got = figures.take(sc, "qosctl", self.raw)
        self.assertAlmostEqual(got["cpu_percent"], 1)
        self.assertAlmostEqual(got["cpu_at_ideal_goodput"], 2)

    def test_a_failed_setup_says_why(self):
        sc = scenarios.table()["hosts"]
        (self.raw / "hosts/cake").mkdir(parents=True)
        (self.raw / "hosts/cake/why").write_text("Error: no such qdisc\nmore\n")
        self.assertEqual(figures.take(sc, "cake", self.raw), {"skipped": "Error: no such qdisc"})
        self.assertEqual(figures.take(sc, "tbf", self.raw), {"skipped": "TBF is one queue"})


class Scenarios(unittest.TestCase):
    def test_what_is_forwarded_is_the_same(self):
        groups = {}
        for sc in scenarios.table().values():
            if sc.sparse and sc.cpus == 1:
                groups.setdefault(sc.forward, set()).add((sc.link, sc.ecn, *((x.congestion, x.flows) for x in sc.loads)))
        self.assertEqual(groups[True], groups[False])
        self.assertEqual(len(groups[True]), 2 * 2 * 2 * 3)


class Jobs(unittest.TestCase):
    def test_every_scenario_runs_with_qosctl_and_a_peer(self):
        for sc in scenarios.table().values():
            lines = "\n".join(line for lines in jobs.files([sc]).values() for line in lines)
            self.assertIn(f"job {sc.name} qosctl ", lines)
            self.assertIn(f"job {sc.name} htb+fq_codel ", lines)

    def test_flows_are_all_started(self):
        for sc in scenarios.table().values():
            flows = sum(load.flows for _, load, _ in jobs.per_cpu(sc) if load.udp is None)
            self.assertEqual(flows, sum(load.flows for load in sc.loads if load.udp is None), sc.name)
            udp = sum(load.udp for _, load, _ in jobs.per_cpu(sc) if load.udp is not None)
            self.assertEqual(udp, sum(load.udp for load in sc.loads if load.udp is not None), sc.name)


class Bars(unittest.TestCase):
    def found(self, p99, theirs):
        return {"sparse-x": {"kind": "sparse", "shapers": {
            "qosctl": {"p99_ms": p99, "link_use": 1}, "htb+fq_codel": {"p99_ms": theirs},
            "cake": {"skipped": "why"}}}}

    def missed(self, *args):
        return [bar["bar"] for bar in bars.judge(self.found(*args)) if bar["missed"]]

    def test_of_sparse_flows(self):
        self.assertEqual(self.missed(4.9, 5), [])
        self.assertEqual(self.missed(4.9, 4), ["sparse p99 beyond HTB + fq_codel"])
        self.assertEqual(self.missed(5.1, 6), ["sparse flow's added p99"])
        self.assertEqual(self.missed(None, 6), ["sparse flow's added p99", "sparse p99 beyond HTB + fq_codel"])


class Apply(unittest.TestCase):
    def test_medians_leave_out_the_first_round(self):
        lines = [f"{round_} 1000 {what} {us}" for what, values in
                 (("apply", (9999, 3000, 1000, 2000)), ("tc", (9999, 4000, 8000, 8000)))
                 for round_, us in enumerate(values)]
        self.assertEqual(apply.take(lines), {1000: {"apply": 2.0, "tc": 8.0}})

    def test_bars(self):
        ms = {1000: {"apply": 30.0, "tc": 60.0, "rate": 21.0}}
        self.assertEqual([(bar["measured"], bar["met"]) for bar in apply.judge("this machine", ms)],
                         [(30.0, True), (0.5, True), (21.0, False)])
        self.assertEqual([bar["measured"] for bar in apply.judge("virtual time", ms)], [0.5])

    def test_a_change_is_one_rate(self):
        differ = [(a, b) for a, b in zip(apply.policy(10, "fq"), apply.policy(10, "fq", 5)) if a != b]
        self.assertEqual(differ, [("  c5: { rate: 500kbit, ceil: 10mbit }", "  c5: { rate: 600kbit, ceil: 10mbit }")])

    def test_tc_has_as_many(self):
        lines = apply.batch(1000)
        self.assertEqual(sum(line.startswith("filter") for line in lines), 1000)
        self.assertEqual(sum("parent 1:1 " in line for line in lines), 1000)


class Rules(unittest.TestCase):
    def test_differences_of_a_round(self):
        lines = [f"send {round_} {way} 10 {ns}" for way, values in
                 (("nothing", (9, 100, 300, 100)), ("minimal", (9, 150, 350, 160)), ("one", (9, 200, 400, 200)),
                  ("qosctl", (9, 150, 450, 350)),
                  ("u32", (9, 2100, 2300, 9100))) for round_, ns in enumerate(values)]
        got = rules.of_chain([*lines, "skip flower not in this kernel", "apply first 1 2 3"])
        self.assertEqual(got["ns"], {"minimal": 5, "one": 10, "qosctl": 15, "u32": 200})
        self.assertEqual((got["nothing_ns"], got["rounds"]), (10, 3))
        self.assertEqual(got["skipped"], {"flower": "not in this kernel"})
        self.assertEqual([(b["measured"], b["met"]) for b in rules.judge_chain(got, "")], [(.075, False)])

    def test_apply(self):
        got = rules.of_apply(["send 1 nothing 1 1", "apply first 3000 2048 1048576", "apply first 1000 1024 1048576",
                              "apply first 1001000 1024 1048576"])
        self.assertEqual(got, {"first": {"ms": 3.0, "rss_mib": 1.0, "maps_mib": 1.0}})
        self.assertEqual([b["met"] for b in rules.judge_apply(got)], [True, True])

    def test_cost(self):
        def case(name, ns, packet=rules.PACKET, queue="no"):
            return {"program": name, "packet": packet, "queue": queue, "ns_median": ns, "ratio": ns / 50}

        got = rules.of_cost([case("minimal EDT", 50), case("1 rule", 70), case("1 rule", 99, queue="yes"),
                             case("10 rules, every key", 76), case("11000 rules", 77), case("11000 rules", 1, "IPv6 TCP"),
                             case("11000 rules, all new", 700)])
        self.assertEqual([c["ns"] for c in got.values()], [50, 70, 76, 77, 700])
        self.assertEqual([(b["measured"], b["met"]) for b in rules.judge_cost(got)],
                         [(1.1, True), (1.52, False), (700, True)])

    def test_ranges_as_masks(self):
        self.assertEqual(list(rules.blocks(80)), ["80 0xffff"])
        self.assertEqual(list(rules.blocks("5-12")), ["5 0xffff", "6 0xfffe", "8 0xfffc", "12 0xffff"])
        for first, last in ((1, 65535), (0, 65535), (1024, 1123), (1030, 1129)):
            covered = [n for value, mask in (block.split() for block in rules.blocks(f"{first}-{last}"))
                       for n in range(int(value), int(value) + 0x10000 - int(mask, 16))]
            self.assertEqual(covered, list(range(first, last + 1)))

    def test_the_same_rules_three_times(self):
        self.assertEqual(rules.tc(5, "u32", rules.U32), ["u32 match ip protocol 6 0xff match ip dst 172.16.5.0/24 match ip dport 1029 "
                         "0xffff classid 1:3"])
        self.assertEqual(rules.tc(4, "flower", rules.FLOWER), ["flower ip_proto udp dst_port 1028 ip_tos 0xb8/0xfc "
                         "classid 1:2"])
        # a range is one filter of flower's, and a list of two and a list of two are four of either
        self.assertEqual([len(rules.tc(i, "flower", rules.FLOWER)) for i in range(10)], [1, 1, 1, 1, 1, 1, 1, 3, 4, 3])
        self.assertEqual([len(rules.tc(i, "u32", rules.U32)) for i in (5, 7, 8, 9)], [1, 3, 4, 3])
        made = rules.files()
        self.assertEqual(made["flower.batch"][4], "filter add dev c0 egress protocol ip prio 5 "
                         "flower ip_proto udp dst_port 1028 ip_tos 0xb8/0xfc classid 1:2")
        priorities = [int(line.split()[8]) for line in made["u32.batch"]]
        self.assertEqual((priorities[1999:2001], sorted(priorities)), ([1, 2], priorities))
        self.assertEqual(sum("class: c" in line for line in made["qosctl.yaml"]), rules.CHAIN)
        self.assertEqual(len(made["more.yaml"]), len(made["many.yaml"]) + 1)
        self.assertEqual(len(set(made["many.yaml"])), len(made["many.yaml"]))


class Pictures(unittest.TestCase):
    def test_license(self):
        self.assertEqual(svg.bars("title", [("a", 1)], "ms").splitlines()[1:4],
                         ["<!--", "SPDX-License-Identifier: LGPL-2.1-or-later", "-->"])


if __name__ == "__main__":
    unittest.main()
