"""Renders explanations and decisions on the terminal, in its width and, where supported, in color."""

from collections.abc import Iterable

from gpurules.actions.decision import Decision
from gpurules.actions.explained import ExplainedPart, ExplainedRule
from gpurules.actions.targets import TARGETS
from gpurules.cli.terminal.output import Style, paint, terminal_width
from gpurules.rules.explanation import Sheet, Tone, drawing

_STYLES = {tone: Style[tone.name] for tone in Tone}


def draw(explained: Iterable[ExplainedRule]) -> str:
    """Return why each rule matched or not, and the nearest change that would alter it."""
    from gpurules.remote.explanations import RemoteRuleExplanation  # imports the engine, which rule tests start without

    drawn = (
        str(rule) if isinstance(rule, RemoteRuleExplanation) else drawing.draw(rule, _sheet()) for rule in explained
    )
    return "\n\n".join(drawn) + "\n"


def with_nearest(explained: ExplainedRule, nearest: str | None, indent: int = 0) -> str:
    """Return why one rule matched or not, followed by *nearest*, the change that would alter it, if there is one.

    Units: *indent* in columns.
    """
    return drawing.with_nearest(explained, nearest, _sheet(indent))


def render_tree(condition: ExplainedPart) -> list[str]:
    """Return the lines of a condition and its parts, with a column for each GPU that it was evaluated on."""
    return drawing.tree(condition, _sheet())


def _sheet(indent: int = 0) -> Sheet:
    return Sheet(terminal_width() - indent, lambda text, tone: paint(text, _STYLES[tone]))


def describe_decision(decision: Decision, of_node: bool = False) -> list[str]:
    """Return the directives of *decision* for its transfer; with *of_node* also those for every transfer."""
    said = ((target, decision.value(name)) for name, target in TARGETS.items() if of_node or target.of_transfer)
    return [target.describe(value) for target, value in said if value != target.neutral]
