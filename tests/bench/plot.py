"""Draws the plots of packaging/doc/performance.md from numbers that run.sh --json wrote.

    plot.py DATA.json DIRECTORY       writes DIRECTORY/performance-NAME.svg

Nothing in a plot but what the data holds: the same data gives the same bytes.
"""

import json
import math
import pathlib
import re
import sys
from xml.sax.saxutils import escape

WIDTH, RIGHT, TOP, ROW, GAP = 760, 90, 64, 20, 14
# Readable for those who see few colours; ours are dark, what it is compared with is light.
OURS, PEER = "#1b6ca8", "#b8c4ce"


class Plot:
    """Horizontal bars in groups, on an axis that multiplies by ten."""

    def __init__(self, title, groups):
        """groups: {heading: [(label, milliseconds, whether it is ours)]}"""
        labels = [bar[0] for bars in groups.values() for bar in bars]
        self._left = 40 + 7 * max(map(len, labels))
        self._title, self._groups = title, groups
        values = [bar[1] for bars in groups.values() for bar in bars]
        self._low = 10 ** math.floor(math.log10(min(values)))
        self._high = 10 ** math.ceil(math.log10(max(values)))

    def _x(self, value):
        share = math.log10(value / self._low) / math.log10(self._high / self._low)
        return self._left + share * (WIDTH - self._left - RIGHT)

    def _axis(self, bottom):
        value = self._low
        while value <= self._high:
            x = self._x(value)
            yield f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" class="grid"/>'
            yield text(x, TOP - 14, duration(value), "middle")
            value *= 10

    def _bars(self):
        y = TOP
        for heading, bars in self._groups.items():
            y += GAP + 4
            yield text(8, y, heading, "start", "head")
            for label, value, ours in bars:
                y += ROW
                end = self._x(value)
                yield text(self._left - 8, y, label, "end")
                yield (f'<rect x="{self._left}" y="{y - 11}" width="{max(end - self._left, 1):.1f}" height="14" '
                       f'fill="{OURS if ours else PEER}"/>')
                yield text(end + 6, y, duration(value), "start")
            y += GAP
        self._bottom = y

    def svg(self):
        bars = list(self._bars())
        height = self._bottom + 8
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-label="{escape(self._title)}">',
            "<style>text{font:12px sans-serif;fill:#222}.head,.title{font-weight:bold}.title{font-size:14px}"
            ".grid{stroke:#e3e7ea}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            text(8, 22, self._title, "start", "title"),
            *self._axis(self._bottom), *bars, "</svg>", "",
        ])


def text(x, y, words, anchor, name=None):
    kind = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def duration(milliseconds):
    """Three digits, in the unit that keeps them few."""
    value, unit = (milliseconds, "ms") if milliseconds < 999.5 else (milliseconds / 1000, "s")
    return f"{float(f'{value:.3g}'):g} {unit}"


def milliseconds(told):
    """Of "1.234 ms"; None for another unit."""
    found = re.fullmatch(r"([\d.]+) ms", told)
    return float(found.group(1)) if found else None


def ways(rows):
    """{tree: bars} of rows "N entries: WAY : PEER"."""
    groups, seen = {}, set()
    for row in rows:
        found = re.fullmatch(r"([\d,]+ entries): (.+) : (.+)", row["what"])
        if not found:
            continue
        tree, *names = found.groups()
        for name, told in zip(names, (row["ours"], row["peer"])):
            if (tree, name) not in seen:
                seen.add((tree, name))
                # What the kernel's and our own ways are called; the others copy by a program.
                ours = " " not in name
                groups.setdefault(tree, []).append((name, milliseconds(told), ours))
    return {f"{int(tree.split()[0].replace(',', '')):,} entries": sorted(bars, key=lambda bar: not bar[2])
            for tree, bars in groups.items()}


def starts(rows):
    """{row: bars of ours and of what it is compared with} of all other rows that tell times."""
    groups = {}
    for row in rows:
        times = milliseconds(row["ours"]), milliseconds(row["peer"])
        if re.match(r"[\d,]+ entries: ", row["what"]) or None in times or " : " not in row["what"]:
            continue
        groups[f'{row["what"].replace(" : ", "  :  ")}  =  {times[0] / times[1]:.2f}'] = [
            ("ours", times[0], True), ("peer", times[1], False)]
    return groups


def plots(data):
    """{file name: SVG}"""
    drawn = {
        "performance-ways.svg": Plot("The mount hook by way, and what copies the same files", ways(data["rows"])),
        "performance-starts.svg": Plot("Ours, and below it what it is compared with", starts(data["rows"])),
    }
    return {name: plot.svg() for name, plot in drawn.items()}


if __name__ == "__main__":
    source, directory = map(pathlib.Path, sys.argv[1:])
    for file, svg in plots(json.loads(source.read_text())).items():
        (directory / file).write_text(svg)
