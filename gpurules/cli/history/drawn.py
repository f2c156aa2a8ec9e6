"""Renders back-tests: text for a terminal, Markdown for a pull request, JUnit for a pipeline."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from gpurules.cli.terminal.output import pluralize, table
from gpurules.diagnostics.excerpt import visible
from gpurules.history.backtest.limits import Limit
from gpurules.history.backtest.result import BacktestResult, RulesetResult, shares
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.model import format_duration

HEAD = ("", "per", "on", "episodes", "median", "p95", "max", "flaps/h", "unknown", "because of", "first", "last")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a limit that fails the back-test is reached.

    Missing: ``is_reached`` None: there was nothing to measure.
    """

    limit: Limit
    measured: float | None
    is_reached: bool | None


def percent(share: float | None) -> str:
    """Return a share in percent; a small one has enough digits to distinguish it from zero.

    >>> percent(0.0312), percent(0.00004), percent(0.0), percent(None)
    ('3.12 %', '0.004 %', '0 %', '-')
    """
    if share is None:
        return "-"
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2f} %" if share >= 0.0001 else f"{100 * share:.2g} %"


def when(time: float | None) -> str:
    """Return a time in UTC to the minute; empty where there is none."""
    if time is None:
        return ""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{time:g}"


def _seconds(length: float | None) -> str:
    return "" if length is None else format_duration(round(length))


def row(tally: RuleTally) -> list[str]:
    """Return the table row of a rule or signal."""
    lengths, flaps = tally.lengths, tally.flaps_per_hour
    about = "~" if tally.episodes.relative_error is not None else ""
    because = ", ".join(name for name, _ in tally.causes.most_common(2))
    return [
        tally.name, "GPU" if tally.per_gpu else "node", percent(tally.on_share), f"{len(tally.episodes):,}",
        about + _seconds(lengths["median"]), about + _seconds(lengths["p95"]), _seconds(lengths["max"]),
        "-" if flaps is None else f"{flaps:.2g}", percent(tally.unknown_share), because,
        when(tally.first), when(tally.last),
    ]  # fmt: skip


def data_line(result: BacktestResult) -> str:
    """Describe the recorded data in a sentence."""
    data = result.data
    if not data.snapshots:
        return "no readable recordings"
    span = f"{when(data.first)} to {when(data.last)} UTC"
    many = f"{pluralize(data.nodes, 'node')}, {pluralize(data.gpus, 'GPU')}, {pluralize(data.samples, 'GPU sample')}"
    return f"{many} in {pluralize(data.snapshots, 'snapshot')}, {span}, {pluralize(data.gaps, 'gap')}"


def text(result: BacktestResult, by: Sequence[str], verdicts: Sequence[Verdict]) -> str:
    """Return the back-test for a terminal."""
    return "\n".join(_text_lines(result, by, verdicts)) + "\n"


def _text_lines(result: BacktestResult, by: Sequence[str], verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield data_line(result)
    for one in result.rulesets:
        yield ""
        yield f"{one.ruleset.name} ({one.ruleset.version[:12]})"
        for noun, tallies in (("rules", one.ordered_rules), ("signals", one.ordered_signals)):
            if tallies:
                yield ""
                yield table((noun, *HEAD[1:]), [row(tally) for tally in tallies]).rstrip("\n")
        yield from map(visible, _notes(one))
        for name in by:
            yield from _share_lines(one, name)
    yield from _parting_lines(result)
    for verdict in verdicts:
        yield ""
        yield verdict_line(verdict)


def _notes(one: RulesetResult) -> Iterator[str]:
    claims = [action for action in one.actions() if action["claims"]]
    if claims:
        yield ""
        yield "actions: " + ", ".join(_claim(action) for action in claims)
    for name, fields in one.never_known.items():
        yield f"{name} can never be known here: there are no recordings of {', '.join(fields)}"
    for name, seconds in one.unknown_at_start.items():
        yield f"{name} begins off, unless it came on in the {format_duration(seconds)} before the span"
    for name, why in one.refused.items():
        yield f"{name} was evaluated by the engine: {why}"
    if one.transfers is not None:
        yield "transfers: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in one.transfers.items())


def _claim(action: dict[str, object]) -> str:
    delay = action["delay_seconds"]
    asks = f", up to {format_duration(delay)}" if isinstance(delay, int | float) else ""
    return f"{action['action']} in {pluralize(int(str(action['claims'])), 'snapshot')}{asks}"


def _share_lines(one: RulesetResult, by: str) -> Iterator[str]:
    tallies = [*one.ordered_rules, *one.ordered_signals]
    shares_of = [{name: share for name, share in shares(tally, by).items() if share is not None} for tally in tallies]
    names = sorted(
        {name for found in shares_of for name in found},
        key=lambda n: (not n.isdigit(), int(n) if n.isdigit() else 0, n),
    )
    yield ""
    yield table(
        (by, *(tally.name for tally in tallies)), [[name, *(percent(f.get(name)) for f in shares_of)] for name in names]
    ).rstrip("\n")


def _parting_lines(result: BacktestResult) -> Iterator[str]:
    if len(result.rulesets) != 2:
        return
    yield ""
    if not result.partings:
        yield "the two rulesets match in the same snapshots"
    names = [one.ruleset.name for one in result.rulesets]
    for name in sorted(result.partings):
        parting = result.partings[name]
        first = "; ".join(
            f"{when(at)} on {visible(node)}: {names[which]} ({which + 1}) only"
            for at, node, which in parting.examples[:3]
        )
        yield f"{name} differs in {pluralize(parting.snapshots, 'snapshot')}, first {first}"


def verdict_line(verdict: Verdict) -> str:
    """Return the result of a limit, in words."""
    measured = "nothing to measure" if verdict.measured is None else f"it is {verdict.measured:.6g}"
    return f"{'FAILED' if verdict.is_reached else 'ok'}: --fail-if {verdict.limit.text!r}: {measured}"


def markdown(result: BacktestResult, by: Sequence[str], verdicts: Sequence[Verdict]) -> str:
    """Return the back-test as Markdown."""
    lines = ["## Back-test", "", data_line(result) + "."]
    for one in result.rulesets:
        lines += ["", f"### {one.ruleset.name} (`{one.ruleset.version[:12]}`)", ""]
        lines += _markdown_table(
            ("rule or signal", *HEAD[1:]), [row(t) for t in (*one.ordered_rules, *one.ordered_signals)]
        )
        lines += [line if not line else f"{visible(line)}." for line in _notes(one)]
        for name in by:
            lines += ["", *_markdown_shares(one, name)]
    lines += [f"{line}." if line else "" for line in _parting_lines(result)]
    lines += ["", *(f"- {verdict_line(verdict)}" for verdict in verdicts)] if verdicts else []
    return "\n".join(lines) + "\n"


def _markdown_shares(one: RulesetResult, by: str) -> list[str]:
    tallies = [*one.ordered_rules, *one.ordered_signals]
    shares_of = [shares(tally, by) for tally in tallies]
    names = dict.fromkeys(name for found in shares_of for name in found)
    return _markdown_table(
        (by, *(t.name for t in tallies)), [[n, *(percent(f.get(n)) for f in shares_of)] for n in names]
    )


def _markdown_table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[visible(cell).replace("|", "\\|") for cell in line] for line in (list(head), *rows)]
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    return [lines[0], "|" + " --- |" * len(cells[0]), *lines[1:]]


def junit(verdicts: Sequence[Verdict]) -> str:
    """Return the limits as test cases."""
    failed = [verdict for verdict in verdicts if verdict.is_reached]
    cases = []
    for verdict in verdicts:
        inner = ""
        if verdict.is_reached:
            inner = f"<failure message={quoteattr(verdict_line(verdict))}>{escape(verdict_line(verdict))}</failure>"
        cases.append(
            f'  <testcase classname="gpurules.backtest" name={quoteattr(verdict.limit.text)}>{inner}</testcase>'
        )
    head = f'<testsuite name="gpurules backtest" tests="{len(verdicts)}" failures="{len(failed)}">'
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join([head, *cases, "</testsuite>"]) + "\n"
