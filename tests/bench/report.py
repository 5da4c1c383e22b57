# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bench's answer: bench.json with everything, bench.txt to read, a picture of each scenario."""
import dataclasses
import json

import bars
import figures
import svg
import text
from shapers import SHAPERS

WINDOW = 0.05  # of the pictures' rates


def document(scenarios, raw):
    """All figures; the scenarios' own parameters are beside them."""
    found = {}
    for sc in scenarios:
        parameters = dataclasses.asdict(sc)
        found[sc.name] = {key: parameters.pop(key) for key in ("title", "kind")} | {
            "parameters": parameters,
            "shapers": {shaper: figures.take(sc, shaper, raw) for shaper in SHAPERS}}
    kernel = raw / "kernel"
    return {"kernel": kernel.read_text().strip() if kernel.exists() else None, "scenarios": found, "bars": bars.judge(found)}


def rate_curves(sc, run, ideals):
    """Rate over time by class, and its ideal as a dashed line."""
    start = max(sc.warm, *(load.start for load in sc.loads), 0)
    stop = min(sc.end if load.stop is None else load.stop for load in sc.loads)
    step = round(WINDOW / sc.bin)
    curves = []
    for colour, (leaf, bins) in enumerate(run.wire().items()):
        points = [((i + step / 2) * sc.bin, figures.mean(bins[i:i + step], sc.bin))
                  for i in range(0, len(bins) - step + 1, step)]
        curves.append((points, colour, False))
        if leaf in ideals:
            curves.append(([(start, ideals[leaf]), (stop, ideals[leaf])], colour, True))
    return curves


def ideals_of(sc, got):
    if sc.kind == "rate":
        return {"all": got["ideal"]}
    return {leaf: c["ideal"] for leaf, c in got["classes"].items()}


def flow_curves(got):
    """Flows, or hosts, by what they got, the least first."""
    points = [(i + j, mbit) for i, mbit in enumerate(got["each"]) for j in (0, 1)]
    return [(points, 0, False), ([(0, got["ideal"]), (len(got["each"]), got["ideal"])], 1, True)]


def picture(sc, results, raw):
    ran = {shaper: got for shaper, got in results.items() if "skipped" not in got}
    runs = {shaper: figures.Run(sc, raw / sc.name / shaper) for shaper in ran}
    if not ran:
        return None
    if sc.kind == "sparse":
        curves = [(shaper, figures.samples(run)) for shaper, run in runs.items()]
        return svg.cdf(f"{sc.title}: delay added to a request", curves, "ms")
    if sc.kind == "cpu":
        return svg.bars(sc.title, [(s, g["cpu_at_ideal_goodput"]) for s, g in ran.items()], "%")
    if sc.kind == "fair":
        panels = [(shaper, flow_curves(got)) for shaper, got in ran.items()]
        most = max(max(got["each"]) for got in ran.values())
        names = (f"goodput of each of the {next(iter(ran.values()))['of']}", "ideal")
        return svg.grid(sc.title, names, panels, "", "Mbit/s", 1.05 * most)
    panels = [(shaper, rate_curves(sc, runs[shaper], ideals_of(sc, got))) for shaper, got in ran.items()]
    return svg.grid(f"{sc.title} (dashed: ideal)",
                    dict.fromkeys(load.leaf for load in sc.loads), panels, "s", "Mbit/s", 1.1 * sc.link)


def write(scenarios, raw, out):
    doc = document(scenarios, raw)
    (out / "bench.json").write_text(json.dumps(doc, indent=1) + "\n")
    words = text.render(doc)
    (out / "bench.txt").write_text(words)
    for old in out.glob("*.svg"):
        old.unlink()
    for sc in scenarios:
        drawn = picture(sc, doc["scenarios"][sc.name]["shapers"], raw)
        if drawn:
            (out / f"{sc.name}.svg").write_text(drawn)
    print(words, end="")
