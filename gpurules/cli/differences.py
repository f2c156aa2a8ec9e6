"""Renders the differences between two rulesets, as text or as Markdown for pull requests."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpurules.cli.terminal.output import Style, paint, pluralize, table, terminal_width
from gpurules.diagnostics.excerpt import visible
from gpurules.diff import ChangeKind, Difference, RuleChange
from gpurules.diff.change import meaning

if TYPE_CHECKING:
    from gpurules.diff.history import Replayed

_MEANING = {
    ChangeKind.ADDED,
    ChangeKind.REMOVED,
    ChangeKind.LOOSER,
    ChangeKind.STRICTER,
    ChangeKind.DIFFERENT,
    ChangeKind.UNPROVEN,
}
_STYLES = {ChangeKind.ADDED: Style.GOOD, ChangeKind.REMOVED: Style.BAD, ChangeKind.UNPROVEN: Style.WARN}
_MOST_RULES = 20


def render_text(difference: Difference, title: str, replayed: "Replayed | None") -> str:
    """Return all changes as text."""
    blocks = [_title(difference, title)]
    blocks += ["\n".join(_lines(change)) for change in difference.changes]
    if difference.settings:
        blocks.append("\n".join([paint("settings", Style.HEAD), *(_indented(note) for note in difference.settings)]))
    if replayed is not None:
        blocks.append("\n".join(_history(replayed)).rstrip())
    return "\n\n".join(blocks) + "\n"


def _title(difference: Difference, title: str) -> str:
    changed, whole = len(difference.changes), difference.all
    what = (
        f"{changed} of {pluralize(whole, 'rule')} changed"
        if changed
        else f"no rule changed ({pluralize(whole, 'rule')})"
    )
    return f"{visible(title)}: {what}"


def _lines(change: RuleChange) -> Iterator[str]:
    kinds = ", ".join(kind.value for kind in change.kinds)
    yield f"{paint(visible(change.rule), Style.HEAD)}  {paint(kinds, _STYLES.get(change.kinds[0], Style.WARN))}"
    if _MEANING & {*change.kinds}:
        texts = [None if rule is None else meaning(rule) for rule in (change.old, change.new)]
        signs = (("-", Style.BAD), ("+", Style.GOOD)) if texts[0] != texts[1] else (("=", Style.FAINT),)
        for (sign, style), text in zip(signs, texts):
            if text is not None:
                yield paint(_indented(text, f"  {sign} "), style)
    labels = [("now matches:", change.gained), ("no longer matches:", change.lost)]
    for label, witness in labels:
        if witness is not None:
            yield _indented(f"{label} {witness}")
    for note in change.notes:
        yield _indented(note)


def _indented(text: str, first: str = "  ") -> str:
    rest = " " * (len(first) if first.strip() else 4)
    flat = " ".join(visible(text).split())
    return textwrap.fill(
        flat, terminal_width(), initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _counts(replayed: "Replayed") -> str:
    return (
        f"{pluralize(replayed.snapshots, 'snapshot')}, {pluralize(replayed.decisions, 'decision')}: "
        f"{replayed.changed:,} have a different outcome, {replayed.rematched:,} the same outcome from other rules"
    )


def _history(replayed: "Replayed") -> Iterator[str]:
    yield paint("history", Style.HEAD)
    yield _indented(_counts(replayed))
    rows = [row for row in _matches(replayed) if row[1] != row[2]]
    if rows:
        lines = table(("rule", "matched before", "now"), rows[:_MOST_RULES])
        yield "\n".join(f"  {line}" for line in lines.splitlines())
    if len(rows) > _MOST_RULES:
        yield f"  and {pluralize(len(rows) - _MOST_RULES, 'more rule')} (--format json)"


def _matches(replayed: "Replayed") -> list[tuple[str, str, str]]:
    before, now = replayed.matches
    return [(name, f"{before[name]:,}", f"{now[name]:,}") for name in dict.fromkeys([*before, *now])]


def render_markdown(difference: Difference, title: str, replayed: "Replayed | None") -> str:
    """Return all changes as Markdown, for a comment on a pull request."""
    lines = [f"### {_title(difference, title)}", ""]
    if difference.changes:
        lines += ["| Rule | Change | Condition | Witness |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {_code(c.rule)} | {', '.join(c.kinds)} | {_conditions(c)} | {_shows(c)} |" for c in difference.changes
        ]
        lines.append("")
    lines += [f"- {_cell(note)}" for note in difference.settings] + [""] * bool(difference.settings)
    if replayed is not None:
        lines += [f"Over the recording: {_counts(replayed)}.", ""]
        rows = [row for row in _matches(replayed) if row[1] != row[2]]
        if rows:
            lines += ["| Rule | Matched before | Now |", "| --- | ---: | ---: |"]
            lines += [f"| {_code(name)} | {before} | {now} |" for name, before, now in rows]
            lines.append("")
    return "\n".join(lines)


def _conditions(change: RuleChange) -> str:
    if not _MEANING & {*change.kinds}:
        return ""
    return " → ".join(dict.fromkeys(_code(meaning(rule)) for rule in (change.old, change.new) if rule is not None))


def _shows(change: RuleChange) -> str:
    notes = [f"now matches: {change.gained}"] if change.gained is not None else []
    notes += [f"no longer matches: {change.lost}"] if change.lost is not None else []
    return "<br>".join(_cell(text) for text in [*notes, *change.notes])


def _cell(text: str) -> str:
    return " ".join(visible(text).split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _code(text: str) -> str:
    """Return *text* as code in a table cell, with backticks escaped."""
    flat = " ".join(visible(text).split()).replace("|", "\\|")
    return f"`` {flat} ``" if "`" in flat else f"`{flat}`"
