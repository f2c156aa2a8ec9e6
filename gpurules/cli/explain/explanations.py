"""Renders explanations and decisions on the terminal, as wide as it is, and in color where it has that."""

from collections.abc import Iterable

from gpurules.actions.decision import Decision
from gpurules.actions.explained import ExplainedPart, ExplainedRule
from gpurules.cli.output import Style, paint, terminal_width
from gpurules.model import Dimension, format_amount, format_duration
from gpurules.rules.explanation import Sheet, Tone, drawing

_STYLES = {tone: Style[tone.name] for tone in Tone}


def draw(explained: Iterable[ExplainedRule]) -> str:
    """Return why each rule did or did not match, and what would change that."""
    return "\n\n".join(drawing.draw(rule, _sheet()) for rule in explained) + "\n"


def with_nearest(explained: ExplainedRule, nearest: str | None, indent: int = 0) -> str:
    """Return why one rule did or did not match, and *nearest*, a change that would do, if there is one.

    Units: *indent* in columns that are left free beside it.
    """
    return drawing.with_nearest(explained, nearest, _sheet(indent))


def tree(condition: ExplainedPart) -> list[str]:
    """Return the lines of a condition and its parts, with a column for each GPU that it was evaluated on."""
    return drawing.tree(condition, _sheet())


def _sheet(indent: int = 0) -> Sheet:
    return Sheet(terminal_width() - indent, lambda text, tone: paint(text, _STYLES[tone]))


def effects(decision: Decision, of_node: bool = False) -> list[str]:
    """Return what *decision* asks of its transfer; with *of_node* also what it asks of every transfer alike."""
    asked = []
    if decision.paused:
        asked.append("paused")
    if decision.delay > 0:
        asked.append(f"delay {format_duration(decision.delay)}")
    if decision.priority_boost:
        asked.append(f"priority {decision.priority_boost:+g}")
    if decision.stage is not None:
        asked.append(f"stage in {decision.stage.area}" if decision.stage.area else "stage")
    if of_node and decision.prefetch_factor != 1:
        asked.append(f"prefetch {decision.prefetch_factor:.2f}")
    if decision.max_bandwidth is not None:
        asked.append(f"at most {format_amount(decision.max_bandwidth, Dimension.BYTES_PER_SECOND)}")
    if decision.max_concurrency is not None:
        asked.append(f"at most {decision.max_concurrency} at once")
    return asked
