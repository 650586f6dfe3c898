# SPDX-License-Identifier: BSD-3-Clause
"""figures: from the JSON of scripts/bench to the plot and the tables of docs/performance.md.

    figures BENCH.json [PEERS.json]

Writes docs/figures/established.svg and whatever stands between the lines `<!-- bench -->`,
`<!-- peers -->`, `<!-- ratios -->` and `<!-- end -->` of docs/performance.md.
"""
import json
import math
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = DOCS / "performance.md"
PLOT = DOCS / "figures" / "established.svg"
SCHEMA = {"bench": 2, "peers": 1}

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 30, 50
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#555555")


def load(path, kind):
    data = json.loads(Path(path).read_text())
    if data.get("schema") != SCHEMA[kind]:
        sys.exit(f"figures: {path}: schema {data.get('schema')}, expected {SCHEMA[kind]}")
    return data


# ---- tables ----
def number(value):
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 1e4:
        return f"{value / 1e3:.0f} k"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"


def count(value):
    if value == 0:
        return ""
    for factor, letter in ((1000000, "M"), (1000, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{letter}"
    return str(value)


def wanted(row):
    if "wanted" not in row:
        return ""
    (sense, limit), = row["wanted"].items()
    return (f"{sense.replace('_', ' ')} {number(limit)}" +
            ("" if row["reached"] else ": **missed**"))


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def bench_table(bench):
    head = ("What", "Sessions", "Rules", "Floor", "Min", "Median", "Max", "Unit", "Wanted")
    runs = max(r["runs"] for r in bench["rows"])
    return f"Commit {bench['commit']}, {runs} runs.\n\n" + table(head, [
        (r["name"].strip(), count(r["sessions"]), count(r["rules"]),
         number(r["floor"]) if r["floor"] else "", number(r["min"]), number(r["median"]),
         number(r["max"]), r["unit"], wanted(r)) for r in bench["rows"]])


def peers_table(peers):
    return table(("Peer", "Work", "Min", "Median", "Max", "Unit"), [
        (r["peer"], r["work"], number(r["min"]), number(r["median"]), number(r["max"]), r["unit"])
        for r in peers["rows"]])


def ratios_table(peers):
    return table(("Ours to", "Work", "In", "Ratio", "Wanted"), [
        (r["peer"], r["work"], r["unit"], f"{r['ratio']:.2f} x",
         "" if r["wanted"] is None else
         f"at least {r['wanted']} x" + ("" if r["reached"] else ": **missed**"))
        for r in peers["ratios"]])


def replace(text, mark, content):
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.S)
    text, found = pattern.subn(lambda m: m.group(1) + content + "\n" + m.group(2), text)
    if found != 1:
        sys.exit(f"figures: {PAGE}: {found} places for <!-- {mark} -->, expected 1")
    return text


# ---- plot ----
def lines_of(bench):
    """=> {name: [(sessions, median)]}; the floor is that of the first line."""
    lines = {}
    for r in bench["rows"]:
        if r["part"] == "established" and r["unit"] == "cycles/packet":
            lines.setdefault(r["name"], []).append((r["sessions"], r["median"]))
    first = next(iter(lines), None)
    if first is None:
        sys.exit("figures: no rows of the part 'established'")
    lines["floor: swap MACs"] = [(r["sessions"], r["floor"]) for r in bench["rows"]
                                 if r["part"] == "established" and r["name"] == first]
    return lines


def plot(bench):
    lines = lines_of(bench)
    points = [p for line in lines.values() for p in line]
    low, high = (math.log10(f(p[0] for p in points)) for f in (min, max))
    top = math.ceil(max(p[1] for p in points) / 100) * 100
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(sessions):
        return LEFT + wide * (math.log10(sessions) - low) / ((high - low) or 1)

    def y(cycles):
        return TOP + tall * (1 - cycles / top)

    def words(at_x, at_y, text, anchor="middle"):
        return f'<text x="{at_x:.0f}" y="{at_y:.0f}" text-anchor="{anchor}">{text}</text>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           words(LEFT + wide / 2, 18, "Cycles per packet over the number of sessions")]
    for cycles in range(0, top + 1, 100 if top > 300 else 50):
        out += [f'<line x1="{LEFT}" x2="{LEFT + wide}" y1="{y(cycles):.1f}" y2="{y(cycles):.1f}" '
                'stroke="#dddddd"/>', words(LEFT - 8, y(cycles) + 4, cycles, "end")]
    for power in range(math.ceil(low), math.floor(high) + 1):
        out += [f'<line x1="{x(10 ** power):.1f}" x2="{x(10 ** power):.1f}" y1="{TOP}" '
                f'y2="{TOP + tall}" stroke="#dddddd"/>',
                words(x(10 ** power), TOP + tall + 18, count(10 ** power))]
    out.append(words(LEFT + wide / 2, HEIGHT - 12, "sessions, packets in random order"))
    ends = [math.inf]
    for (name, line), colour in sorted(zip(lines.items(), COLOURS), key=lambda e: e[0][1][-1][1]):
        path = " ".join(f"{x(s):.1f},{y(c):.1f}" for s, c in line)
        ends.append(min(y(line[-1][1]) + 4, ends[-1] - 14))  # labels do not overlap
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(s):.1f}" cy="{y(c):.1f}" r="3" fill="{colour}"/>'
                for s, c in line]
        out.append(f'<g fill="{colour}">' + words(LEFT + wide + 8, ends[-1], name, "start") + "</g>")
    return "\n".join(out) + "\n</svg>\n"


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    if len(argv) not in (1, 2) or argv[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    bench = load(argv[0], "bench")
    text = replace(PAGE.read_text(), "bench", bench_table(bench))
    if len(argv) == 2:
        peers = load(argv[1], "peers")
        text = replace(text, "peers", peers_table(peers))
        text = replace(text, "ratios", ratios_table(peers))
    PLOT.parent.mkdir(exist_ok=True)
    PLOT.write_text(plot(bench))
    PAGE.write_text(text)
    return 0
