"""Bars and curves on logarithmic scales, as SVG that reads on light and dark pages."""

import math
from collections.abc import Mapping, Sequence
from html import escape

ROW, LEFT, WIDTH = 26, 250, 420
RIGHT = LEFT + WIDTH + 76
"""Where the times end: beside the bars, so that no line of the scale goes through them."""


def spelled(nanoseconds: float) -> str:
    """Return a time in the unit that suits it.

    >>> spelled(212.4), spelled(15321), spelled(1e6)
    ('212 ns', '15.3 µs', '1 ms')
    """
    if nanoseconds < 1000:
        return f"{nanoseconds:.0f} ns"
    return f"{nanoseconds / 1000:.3g} µs" if nanoseconds < 999_500 else f"{nanoseconds / 1e6:.3g} ms"


CURVES = "polyline{fill:none;stroke-width:2}"


def head(title: str, size: tuple[int, int], points: int, style: str) -> list[str]:
    """Return the first lines of a picture: its width and height, the size of its text, its style and its title."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'font-family="system-ui, sans-serif" font-size="{points}">',
        f"<style>text{{fill:#444}}line{{stroke:#8884}}{style}"
        "@media (prefers-color-scheme: dark){text{fill:#ccc}}</style>",
        f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>',
    ]


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Return the picture of *rows*, the quickest first. Units: nanoseconds."""
    ordered = sorted(rows, key=lambda row: row[1])
    low = 10 ** math.floor(math.log10(ordered[0][1]))
    decades = math.ceil(math.log10(ordered[-1][1] / low))
    height = 52 + ROW * len(ordered)
    lines = head(title, (RIGHT + 8, height), 13, ".own{fill:#2a7f62}.peer{fill:#9aa5b1}")
    for decade in range(decades + 1):
        x = LEFT + WIDTH * decade / decades
        lines.append(f'<line x1="{x:.0f}" y1="32" x2="{x:.0f}" y2="{height - 18}"/>')
        lines.append(f'<text x="{x:.0f}" y="{height - 4}" text-anchor="middle">{spelled(low * 10**decade)}</text>')
    for number, (name, value) in enumerate(ordered):
        y, length = 36 + ROW * number, WIDTH * math.log10(value / low) / decades
        kind = "own" if name.startswith("gpurules") else "peer"
        lines.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        lines.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.0f}" height="{ROW - 8}"/>')
        lines.append(f'<text x="{RIGHT}" y="{y + 14}" text-anchor="end">{spelled(value)}</text>')
    return "\n".join([*lines, "</svg>", ""])


PANEL, GAP, HEIGHT, TOP = 230, 60, 220, 44
Curves = Mapping[str, Sequence[tuple[int, float]]]


def panels(title: str, shown: Mapping[str, Curves]) -> str:
    """Return curves side by side, one panel for each size that grows, all on one scale of time.

    Units: nanoseconds.
    """
    times = [value for curves in shown.values() for rows in curves.values() for _, value in rows]
    least, most = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    names = list(dict.fromkeys(name for curves in shown.values() for name in curves))
    width, bottom = 70 + len(shown) * (PANEL + GAP), TOP + HEIGHT
    lines = head(title, (width, bottom + 60), 12, CURVES)

    def height(nanoseconds: float) -> float:
        return bottom - HEIGHT * (math.log10(nanoseconds) - least) / (most - least)

    for decade in range(least, most + 1):
        y = height(10.0**decade)
        lines.append(f'<text x="62" y="{y + 4:.0f}" text-anchor="end">{spelled(10.0**decade)}</text>')
    for place, (label, curves) in enumerate(shown.items()):
        left = 70 + place * (PANEL + GAP)
        sizes = sorted({size for rows in curves.values() for size, _ in rows})
        span = math.log10(sizes[-1] / sizes[0])
        across = {size: left + PANEL * math.log10(size / sizes[0]) / span for size in sizes}
        for decade in range(least, most + 1):
            y = height(10.0**decade)
            lines.append(f'<line x1="{left}" y1="{y:.0f}" x2="{left + PANEL}" y2="{y:.0f}"/>')
        lines += [f'<text x="{x:.0f}" y="{bottom + 16}" text-anchor="middle">{n:,}</text>' for n, x in across.items()]
        lines.append(f'<text x="{left + PANEL / 2:.0f}" y="{bottom + 34}" text-anchor="middle">{escape(label)}</text>')
        for name, rows in curves.items():
            points = " ".join(f"{across[size]:.1f},{height(value):.1f}" for size, value in rows)
            lines.append(f'<polyline stroke="{_hue(names.index(name), len(names))}" points="{points}"/>')
    for number, name in enumerate(names):
        x = 70 + number * (width - 80) / len(names)
        lines.append(
            f'<text x="{x:.0f}" y="{bottom + 54}" style="fill:{_hue(number, len(names))}">{escape(name)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _hue(number: int, count: int) -> str:
    return f"hsl({150 + number * 360 // count} 60% 42%)"
