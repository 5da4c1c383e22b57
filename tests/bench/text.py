# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures as text tables."""
from shapers import SHAPERS


def table(head, rows):
    """Columns as wide as they need to be, all but the first to the right."""
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ["  ".join(cell.ljust(w) if not i else cell.rjust(w)
                      for i, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in rows]


def cells(results, show):
    return [show(results[s]) if "skipped" not in results[s] else "-" for s in SHAPERS]


def number(value, digits=2):
    return "lost" if value is None else f"{value:.{digits}f}"


def rows_rate(name, scenario):
    yield [name, f"{scenario['parameters']['link']:g}",
           *cells(scenario["shapers"], lambda g: f"{g['rate']:.3f} {g['error'] * 100:+.2f}%")]


def rows_cpu(name, scenario):
    yield [name, "", *cells(scenario["shapers"], lambda g: number(g["cpu_at_ideal_goodput"]))]


def rows_share(name, scenario):
    results = scenario["shapers"]
    classes = next((g["classes"] for g in results.values() if "skipped" not in g), {})
    for leaf, any_ in classes.items():
        yield [f"{name} {leaf}", f"{any_['ideal']:.2f}",
               *cells(results, lambda g, leaf=leaf: "{rate:.2f} {0:+.1f}%".format(
                   g["classes"][leaf]["error"] * 100, **g["classes"][leaf]))]
    if scenario["kind"] == "share" and classes:
        yield [f"{name} link used", "100 %", *cells(results, lambda g: f"{g['link_use'] * 100:.1f} %")]
        yield [f"{name} beyond the link", "0", *cells(
            results, lambda g: f"{number(g['most_beyond_ms'])} {number(g['standing_ms'])}")]


def rows_join(name, scenario):
    def time(key):
        return cells(scenario["shapers"], lambda g: "never" if g[key] is None else f"{g[key]:.0f} ms")

    yield [f"{name}: guarantee", "", *time("guarantee_ms")]
    yield [f"{name}: share of who wakes", "", *time("share_ms")]
    yield [f"{name}: link again, after it left", "", *time("leave_ms")]
    yield from rows_share(name, scenario)


def rows_fair(name, scenario):
    yield [name, "1", *cells(scenario["shapers"], lambda g: f"{g['jain']:.4f}")]
    yield [f"{name} link used", "100 %", *cells(scenario["shapers"], lambda g: f"{g['link_use'] * 100:.1f} %")]


def rows_sparse(name, scenario):
    def show(g):
        lost = f" -{g['lost']}" if g["lost"] else ""
        return f"{number(g['p50_ms'])} {number(g['p99_ms'])} {number(g['max_ms'])}{lost}"

    yield [name, "", *cells(scenario["shapers"], show)]
    yield [f"{name} link used", "100 %", *cells(scenario["shapers"], lambda g: f"{g['link_use'] * 100:.1f} %")]


SECTIONS = (
    ("rate", rows_rate, "One class, UDP above its rate: Mbit/s on the wire, and off by"),
    ("cpu", rows_cpu, "CPU of the guest in % for the link's goodput, the stacks of both sides included"),
    ("share", rows_share, "Shares: Mbit/s on the wire, and off the ideal by; beyond the link: ms of its rate that left too "
     "much, at most, and at the end"),
    ("join", rows_join, "A class that wakes and leaves again"),
    ("fair", rows_fair, "Jain's index inside a class"),
    ("sparse", rows_sparse, "Added to a sparse flow's request in ms: p50, p99, max; -N: without an answer"),
)


def bar_rows(bars):
    for bar in bars:
        missed = "ok" if not bar["missed"] else f"missed in {len(bar['missed'])} of {bar['of']}"
        yield [bar["bar"], f"{number(bar['worst'])} {bar['unit']}".rstrip(), bar["needed"], missed, bar["where"]]


def reasons(found):
    """Why a shaper did not run: each reason once, with where."""
    where = {}
    for name, scenario in found.items():
        for shaper, got in scenario["shapers"].items():
            if "skipped" in got:
                where.setdefault((shaper, got["skipped"]), []).append(name)
    for (shaper, why), names in where.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"  {shaper}: {why} ({', '.join(names[:3])}{more})"


def render(doc):
    found, lines = doc["scenarios"], []
    for kind, rows, title in SECTIONS:
        got = [row for name, s in found.items() if s["kind"] == kind for row in rows(name, s)]
        if got:
            lines += [title, *table(["", "ideal", *SHAPERS], got), ""]
    why = list(reasons(found))
    if why:
        lines += ["- not run:", *why, ""]
    if doc["bars"]:
        lines += ["What is asked of qosctl, at worst",
                  *table(["", "measured", "needed", "", "worst in"], list(bar_rows(doc["bars"]))), ""]
    return "\n".join(lines)
