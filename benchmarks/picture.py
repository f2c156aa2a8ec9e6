"""Bars on a logarithmic scale, as SVG that reads on light and dark pages."""

import math
from collections.abc import Sequence
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


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Return the picture of *rows*, the quickest first. Units: nanoseconds."""
    ordered = sorted(rows, key=lambda row: row[1])
    low = 10 ** math.floor(math.log10(ordered[0][1]))
    decades = math.ceil(math.log10(ordered[-1][1] / low))
    height = 52 + ROW * len(ordered)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {RIGHT + 8} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        "<style>text{fill:#444}.own{fill:#2a7f62}.peer{fill:#9aa5b1}line{stroke:#8884}"
        "@media (prefers-color-scheme: dark){text{fill:#ccc}}</style>",
        f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>',
    ]
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
