"""A back-test as one HTML page: tables, timelines, telemetry and provenance."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from gpurules.history.backtest.result import BacktestResult, RulesetResult
from gpurules.history.backtest.statistics.profile import thresholds
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.report import charts
from gpurules.model import format_duration

MOST_CHARTS = 16
_STYLE = """
:root{color-scheme:light}body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:0 auto;max-width:1060px;padding:1.2rem}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid #e3e7ea}h3{font-size:1rem;margin:1.2rem 0 .3rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;min-width:100%}th,td{padding:.25rem .55rem;text-align:right;white-space:nowrap;border-bottom:1px solid #e3e7ea}
th:first-child,td:first-child{text-align:left}.chart{overflow-x:auto}.chart svg,.chart img{max-width:100%;height:auto;min-width:620px}
.facts{color:#555;margin:.2rem 0}.warn{background:#fdf3e7;border-left:4px solid #d9822b;padding:.4rem .8rem;margin:.6rem 0}footer{color:#666;font-size:.85rem;margin-top:2rem}
@media print{body{max-width:none;padding:0;font-size:11px}h2,h3{break-after:avoid}.chart,tr{break-inside:avoid}.wide,.chart{overflow:visible}.chart svg,.chart img{min-width:0}th,td{padding:.1rem .3rem}table{font-size:.68rem}}
@media(max-width:1100px){th,td{padding:.25rem .35rem}table{font-size:.78rem}}
@media(max-width:600px){body{padding:.7rem}h1{font-size:1.25rem}}
"""  # fmt: skip  # noqa: E501
_HEAD = ("on", "episodes", "median", "p95", "max", "flaps/h", "unknown", "first", "last")


def page(result: BacktestResult, places: Sequence[str]) -> str:
    """Return the report on a back-test of the recordings at *places*."""
    names = " and ".join(one.ruleset.name for one in result.rulesets)
    body = "\n".join(_body(result, places, names))
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    head += f"<title>Back-test of {escape(names)}</title>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n'
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _body(result: BacktestResult, places: Sequence[str], names: str) -> Iterator[str]:
    data = result.data
    yield f"<h1>Back-test of {escape(names)}</h1>"
    counts = (
        _many(data.nodes, "node"), _many(data.gpus, "GPU"), _many(data.snapshots, "snapshot"),
        _many(data.samples, "GPU sample"),
    )  # fmt: skip
    yield f'<p class="facts">{", ".join(counts)}<br>{_when(data.first)} to {_when(data.last)} UTC</p>'
    for one in result.rulesets:
        yield from _ruleset(one, result)
    yield from _partings(result)
    yield from _telemetry(result)
    yield from _method(result, places)


def _ruleset(one: RulesetResult, result: BacktestResult) -> Iterator[str]:
    yield f"<h2>{escape(one.ruleset.name)} <small>{escape(one.ruleset.version[:12])}</small></h2>"
    for name, fields in one.never_known.items():
        absent = escape(", ".join(fields))
        yield f'<p class="warn">{escape(name)} can never be known here: there are no recordings of {absent}.</p>'
    for name, seconds in one.unknown_at_start.items():
        before = escape(f"{name} begins off, unless it came on in the {format_duration(seconds)} before the span")
        yield f'<p class="warn">{before}.</p>'
    for name, why in one.refused.items():
        yield f'<p class="warn">{escape(name)} was evaluated by the engine: {escape(why)}.</p>'
    yield from _table((("rules", one.ordered_rules), ("signals", one.ordered_signals)))
    active = [tally for tally in (*one.ordered_signals, *one.ordered_rules) if tally.on][:MOST_CHARTS]
    if not active:
        yield "<p>Nothing was ever on.</p>"
        return
    span = (int(result.data.first // result.bucket_seconds), int(result.data.last // result.bucket_seconds))
    yield "<h2>Time on</h2>"
    for tally in active:
        chart, others = charts.timeline(tally, result.bucket_seconds, span)
        more = f" <small>({others:,} GPUs with less time on are left out)</small>" if others > 0 else ""
        yield f"<h3>{escape(tally.name)}{more}</h3>{chart}"
    yield "<h2>By hour and weekday</h2>"
    for tally in active:
        yield f"<h3>{escape(tally.name)}</h3>{charts.week(tally)}"


def _table(groups: Sequence[tuple[str, Sequence[RuleTally]]]) -> Iterator[str]:
    yield '<div class="wide"><table>'
    for noun, tallies in groups:
        if tallies:
            heads = "".join(f"<th>{head}</th>" for head in (noun, *_HEAD))
            yield f"<tbody><tr>{heads}</tr>" + "".join(map(_row, tallies)) + "</tbody>"
    yield "</table></div>"


def _row(tally: RuleTally) -> str:
    lengths, flaps = tally.lengths, tally.flaps_per_hour
    about = "~" if tally.episodes.relative_error is not None else ""
    cells = [
        tally.name, _percent(tally.on_share), f"{len(tally.episodes):,}",
        *(about + _seconds(lengths[name]) for name in ("median", "p95")), _seconds(lengths["max"]),
        "" if flaps is None else f"{flaps:.2g}", _percent(tally.unknown_share),
        *("" if time is None else _when(time)[5:] for time in (tally.first, tally.last)),
    ]  # fmt: skip
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _partings(result: BacktestResult) -> Iterator[str]:
    if len(result.rulesets) != 2:
        return
    yield "<h2>Differences</h2>"
    if not result.partings:
        yield "<p>Both match in the same snapshots.</p>"
    for name in sorted(result.partings):
        parting = result.partings[name]
        examples = ", ".join(f"{_when(at)} on {escape(node)}" for at, node, _ in parting.examples[:5])
        yield f"<p><b>{escape(name)}</b>: {parting.snapshots:,} snapshots, first {examples}.</p>"


def _telemetry(result: BacktestResult) -> Iterator[str]:
    if not result.profiles:
        return
    found = [one for ruleset in result.rulesets for one in thresholds(KernelPlan.of(ruleset.ruleset))]
    limits = charts.limits_by_field(found)
    yield "<h2>Compared fields</h2>"
    yield "<p>The band spans the minimum to the maximum; the line is the mean; thresholds are red.</p>"
    for name in sorted(result.profiles):
        profile = result.profiles[name]
        if not profile.values:
            continue
        yield f"<h3>{escape(name)}</h3>{charts.telemetry(profile, result.bucket_seconds, limits.get(name, []))}"
        yield charts.distribution(profile, limits.get(name, []))


def _method(result: BacktestResult, places: Sequence[str]) -> Iterator[str]:
    data = result.data
    yield "<h2>Method and data quality</h2>"
    yield (
        "<p>Every condition was evaluated at every recorded snapshot as the engine does, with its windows, signals "
        "and lost GPUs. Shares are of samples: of each GPU at each snapshot, or of snapshots for conditions of the "
        "node. An episode lasts from the first sample on which it was on to the first on which it was not. A flap is "
        "a start within 60 seconds after an end, counted for an hour of one GPU (or node).</p>"
    )
    yield (
        f"<p>{data.gaps:,} gaps (steps over three times the usual one), {data.hours:,.0f} node-hours without them; "
        f"read from {escape(', '.join(map(str, places)))}.</p>"
    )
    if data.findings.count:
        yield f'<p class="warn">{data.findings.count:,} problems while reading:</p><ul>'
        yield from (f"<li>{escape(text)}</li>" for text in data.findings.texts)
        yield "</ul>"
    yield "<footer>Made by gpurules backtest.</footer>"


def _when(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{time:g}"


def _percent(share: float | None) -> str:
    """Return a share in percent; a small one has enough digits to distinguish it from zero."""
    if share is None:
        return ""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2f} %" if share >= 0.0001 else f"{100 * share:.2g} %"


def _seconds(length: float | None) -> str:
    if length is None:
        return ""
    minutes, seconds = divmod(round(length), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {seconds:02d} s" if minutes else f"{seconds} s"
