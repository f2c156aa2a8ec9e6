"""The charts of a report, as SVG, or as PNG where there are too many points."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from gpurules.history.backtest.result import DAYS
from gpurules.history.backtest.statistics.profile import Profile
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.history.backtest.statistics.timeline import LINES

WIDTH = 980
LARGEST_SVG = 45_000
"""A chart that takes more bytes as SVG becomes a PNG."""
COLUMNS = 240
"""A timeline has no more stretches than this."""
_INK, _HOT, _GRID = "#1f6f8b", "#c0392b", "#e3e7ea"
Rows = list[dict[str, Any]]


def _drawn(chart: alt.Chart | alt.LayerChart, title: str) -> str:
    """Return a chart as an HTML element, with its title as alternative text."""
    styled = chart.configure(font="DejaVu Sans, Verdana, sans-serif").configure_view(stroke=_GRID)
    styled = styled.configure_axis(gridColor=_GRID, domainColor="#9aa4aa", labelColor="#333", titleColor="#333")
    spec = styled.to_json()
    svg: str = vl_convert.vegalite_to_svg(spec)
    if len(svg) <= LARGEST_SVG:
        return f'<div class="chart" role="img" aria-label="{title}">{svg}</div>'
    png = base64.b64encode(vl_convert.vegalite_to_png(spec, scale=1.25)).decode()
    if len(png) > len(svg):
        return f'<div class="chart" role="img" aria-label="{title}">{svg}</div>'
    return f'<div class="chart"><img alt="{title}" src="data:image/png;base64,{png}"></div>'


def _time(bucket: int, seconds: float) -> str:
    return datetime.fromtimestamp(bucket * seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _timeline_rows(tally: RuleTally, seconds: float, span: tuple[int, int]) -> tuple[Rows, int]:
    """Return when something was on, GPU by GPU: those with the most, and how many others there are."""
    found = tally.timeline
    if found is None:
        return [], 0
    factor = max(1, math.ceil((span[1] - span[0] + 1) / COLUMNS))
    shown = found.longest(LINES)
    rows = []
    for owner in sorted(shown):
        bucket, samples, on = found.owners[owner]
        columns = (bucket - span[0]) // factor
        totals = (np.bincount(columns, counts).tolist() for counts in (samples, on))
        for column, (count, on_count) in enumerate(zip(*totals, strict=True)):
            if on_count:
                start = span[0] + column * factor
                rows.append(
                    {
                        "owner": owner,
                        "from": _time(start, seconds),
                        "to": _time(start + factor, seconds),
                        "on": on_count / count,
                    }
                )
    return rows, len(found.owners) - len(shown) + found.left_out


def timeline(tally: RuleTally, seconds: float, span: tuple[int, int]) -> tuple[str, int]:
    """Return the timeline by GPU, darker where a rule or signal was on longer, and the number of GPUs not shown."""
    rows, others = _timeline_rows(tally, seconds, span)
    owners = sorted({row["owner"] for row in rows})
    chart = (
        alt.Chart(alt.Data(values=rows), width=WIDTH - 290, height=max(24, 17 * len(owners)))
        .mark_rect()
        .encode(
            x=alt.X(
                "from:T",
                title=None,
                scale=alt.Scale(domain=[_time(span[0], seconds), _time(span[1] + 1, seconds)], type="utc"),
            ),
            x2="to:T",
            y=alt.Y("owner:N", title=None, sort=owners, axis=alt.Axis(labelLimit=230, minExtent=170)),
            color=alt.Color("on:Q", title="on", scale=alt.Scale(domain=[0, 1], scheme="teals"), legend=_legend("%")),
        )
    )
    return _drawn(chart, f"when {_plain(tally.name)} was on"), others


def telemetry(profile: Profile, seconds: float, limits: Sequence[tuple[str, float]]) -> str:
    """Return a field over time: the range from minimum to maximum, the mean, and thresholds."""
    factor = max(1, math.ceil(len(profile.buckets) / 360))
    merged: dict[int, list[float]] = {}
    for bucket, (count, total, low, high) in profile.buckets.items():
        mine = merged.setdefault(bucket // factor * factor, [0, 0.0, math.inf, -math.inf])
        mine[0], mine[1] = mine[0] + count, mine[1] + total
        mine[2], mine[3] = min(mine[2], low), max(mine[3], high)
    rows = [
        {"time": _time(b, seconds), "mean": total / count, "low": low, "high": high}
        for b, (count, total, low, high) in sorted(merged.items())
    ]
    base = alt.Chart(alt.Data(values=rows), width=WIDTH - 120, height=170)
    x = alt.X("time:T", title=None, scale=alt.Scale(type="utc"))
    band = base.mark_area(opacity=0.25, color=_INK).encode(
        x=x, y=alt.Y("low:Q", title=profile.name, scale=alt.Scale(zero=False)), y2="high:Q"
    )
    mean = base.mark_line(color=_INK, strokeWidth=1.2).encode(x=x, y="mean:Q")
    return _drawn(alt.layer(band, mean, *_limit_lines(limits, "y")), f"{profile.name} over time")


def distribution(profile: Profile, limits: Sequence[tuple[str, float]]) -> str:
    """Return the histogram of a field, with thresholds."""
    low, high = min(profile.values), max(profile.values)
    width = (high - low) / 60 or 1.0
    counts: dict[int, int] = {}
    for value in profile.values:
        counts[min(59, int((value - low) / width))] = counts.get(min(59, int((value - low) / width)), 0) + 1
    rows = [
        {"from": low + n * width, "to": low + (n + 1) * width, "share": count / len(profile.values)}
        for n, count in sorted(counts.items())
    ]
    bars = (
        alt.Chart(alt.Data(values=rows), width=WIDTH - 120, height=130)
        .mark_rect(color=_INK, opacity=0.75)
        .encode(
            x=alt.X("from:Q", title=profile.name, scale=alt.Scale(zero=False)), x2="to:Q",
            y=alt.Y("share:Q", title="share", axis=alt.Axis(format="%")), y2=alt.datum(0),
        )
    )  # fmt: skip
    return _drawn(alt.layer(bars, *_limit_lines(limits, "x")), f"distribution of {profile.name}")


def _limit_lines(limits: Iterable[tuple[str, float]], axis: str) -> list[alt.Chart]:
    together: dict[float, list[str]] = {}
    for name, value in limits:
        together.setdefault(value, []).append(name)
    if not together:
        return []
    rows = [{"value": value, "name": f"{value:g}"} for value in sorted(together)]
    base = alt.Chart(alt.Data(values=rows))
    line = base.mark_rule(color=_HOT, strokeDash=[4, 3])
    text = base.mark_text(color=_HOT, fontSize=10)
    if axis == "y":
        marks = text.encode(y="value:Q", text="name:N", x=alt.value(WIDTH - 118))
        return [line.encode(y="value:Q"), marks]
    return [line.encode(x="value:Q"), text.encode(x="value:Q", text="name:N", y=alt.value(-6))]


def week(tally: RuleTally) -> str:
    """Return the share of time on by hour and weekday."""
    grid = tally.week.reshape(2, 7, 24)
    rows = [
        {"day": DAYS[d], "hour": h, "on": float(grid[1, d, h] / grid[0, d, h])}
        for d in range(7) for h in range(24) if grid[0, d, h]
    ]  # fmt: skip
    most = float(np.max(grid[1] / np.maximum(grid[0], 1))) or 1.0
    color = alt.Color("on:Q", title="on", scale=alt.Scale(domain=[0, most], scheme="teals"), legend=_legend(".1%"))
    chart = (
        alt.Chart(alt.Data(values=rows), width=WIDTH - 290, height=112)
        .mark_rect()
        .encode(
            x=alt.X("hour:O", title="hour", axis=alt.Axis(labelAngle=0)), y=alt.Y("day:N", title=None, sort=list(DAYS)),
            color=color,
        )
    )  # fmt: skip
    return _drawn(chart, f"{_plain(tally.name)} by hour and weekday")


def _legend(form: str) -> alt.Legend:
    return alt.Legend(format=form)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in " _-." else "_" for c in name)


def limits_by_field(found: Iterable[tuple[str, str, float]]) -> Mapping[str, list[tuple[str, float]]]:
    """Return the thresholds by field."""
    by_field: dict[str, list[tuple[str, float]]] = {}
    for name, rule, value in found:
        by_field.setdefault(name, []).append((rule, value))
    return by_field
