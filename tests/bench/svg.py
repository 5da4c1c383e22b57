# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures of a scenario as SVG: small panels of lines, one curve for each shaper, or bars."""
import math
from html import escape

# Okabe and Ito's palette, which the colour-blind can tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888")
# One of them is in the tree.
LICENSE = "<!--\nSPDX-License-Identifier: LGPL-2.1-or-later\n-->"
FONT = "font-family='Helvetica,Arial,sans-serif'"


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height, self.parts = width, height, []
        self.rect(0, 0, width, height, "#ffffff")
        self.text(14, 22, title, size=14, weight="bold")

    def rect(self, x, y, w, h, fill):
        self.parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{w:.1f}' height='{h:.1f}' fill='{fill}'/>")

    def text(self, x, y, words, size=11, anchor="start", colour="#333333", weight="normal"):
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' font-weight='{weight}' "
                          f"text-anchor='{anchor}' fill='{colour}'>{escape(words)}</text>")

    def line(self, points, colour, width=1.5, dash=""):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='{width}' "
                          f"stroke-dasharray='{dash}' stroke-linejoin='round'/>")

    def legend(self, x, y, names):
        for name, colour in names:
            self.line([(x, y - 4), (x + 16, y - 4)], colour, 3)
            self.text(x + 20, y, name)
            x += 34 + 6.5 * len(name)

    def __str__(self):
        body = "\n".join(self.parts)
        return (f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width} {self.height}' "
                f"width='{self.width}' height='{self.height}'>\n{LICENSE}\n{body}\n</svg>\n")


def ticks(low, high, want=5):
    """Round numbers from low to high."""
    raw = (high - low) / want
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    first = math.ceil(low / step)
    return [i * step for i in range(first, int(high / step + 1e-9) + 1)]


class Panel:
    """A frame with axes, in the picture's coordinates."""

    def __init__(self, picture, box, xs, ys, log=False):
        self.p, (self.x, self.y, self.w, self.h), self.log = picture, box, log
        self.x0, self.x1 = (math.log10(v) for v in xs) if log else xs
        self.y0, self.y1 = ys

    def at(self, x, y):
        x = math.log10(x) if self.log else x
        x, y = min(max(x, self.x0), self.x1), min(max(y, self.y0), self.y1)
        return (self.x + (x - self.x0) / (self.x1 - self.x0) * self.w,
                self.y + self.h - (y - self.y0) / (self.y1 - self.y0) * self.h)

    def axes(self, title, xlabel, ylabel):
        p, bottom = self.p, self.y + self.h
        marks = range(math.ceil(self.x0), int(self.x1) + 1) if self.log else ticks(self.x0, self.x1)
        for mark in marks:
            x, _ = self.at(10 ** mark if self.log else mark, 0)
            p.line([(x, self.y), (x, bottom)], "#e5e5e5", 1)
            p.text(x, bottom + 14, f"{10 ** mark if self.log else mark:g}", 10, "middle")
        for mark in ticks(self.y0, self.y1, 4):
            _, y = self.at(10 ** self.x0 if self.log else self.x0, mark)
            p.line([(self.x, y), (self.x + self.w, y)], "#e5e5e5", 1)
            p.text(self.x - 5, y + 4, f"{mark:g}", 10, "end")
        p.line([(self.x, self.y), (self.x, bottom), (self.x + self.w, bottom)], "#666666", 1)
        p.text(self.x + 6, self.y - 5, title, 12, weight="bold")
        p.text(self.x + self.w, bottom + 26, xlabel, 10, "end")
        p.text(self.x - 5, self.y - 5, ylabel, 10, "end")

    def curve(self, points, colour, width=1.5, dash=""):
        self.p.line([self.at(x, y) for x, y in points], colour, width, dash)


def grid(title, names, panels, xlabel, ylabel, ymax):
    """A panel for each shaper: [(shaper, [(points, colour index, dashed)])]; names: the legend."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    picture = Picture(max(620, 20 + columns * 330), 50 + rows * 220, title)
    picture.legend(14, 44, [(n, COLOURS[i % len(COLOURS)]) for i, n in enumerate(names)])
    width = max([x for _, curves in panels for points, _, _ in curves for x, _ in points] + [1e-3])
    for i, (shaper, curves) in enumerate(panels):
        box = (50 + i % columns * 330, 76 + i // columns * 220, 280, 150)
        panel = Panel(picture, box, (0, width), (0, ymax))
        panel.axes(shaper, xlabel, ylabel)
        for points, colour, dashed in curves:
            panel.curve(points, COLOURS[colour % len(COLOURS)], 1 if dashed else 1.6, "5,4" if dashed else "")
    return str(picture)


def cdf(title, curves, xlabel):
    """What part of the samples is at most x, on a logarithmic axis: [(name, samples)]."""
    picture = Picture(720, 420, title)
    picture.legend(14, 44, [(name, COLOURS[i]) for i, (name, _) in enumerate(curves)])
    panel = Panel(picture, (60, 76, 630, 290), (0.01, 1000), (0, 1), log=True)
    panel.axes("part of all requests", xlabel, "")
    for i, (_, samples) in reversed(list(enumerate(curves))):
        ordered = sorted(s for s in samples if math.isfinite(s))
        points = [(max(s, 0.01), (k + 1) / len(samples)) for k, s in enumerate(ordered)]
        panel.curve([(0.01, 0), *points], COLOURS[i], 2.4 if i == 0 else 1.6)
    return str(picture)


def bars(title, values, unit):
    """Horizontal bars: [(name, value or None)]."""
    picture = Picture(620, 60 + 30 * len(values), title)
    most = max([v for _, v in values if v is not None] + [1e-9])
    for i, (name, value) in enumerate(values):
        y = 44 + 30 * i
        picture.text(110, y + 14, name, 12, "end")
        if value is None:
            picture.text(120, y + 14, "-")
            continue
        picture.rect(120, y, 400 * value / most, 20, COLOURS[i % len(COLOURS)])
        picture.text(126 + 400 * value / most, y + 14, f"{value:.2f} {unit}")
    return str(picture)
