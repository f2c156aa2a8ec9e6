"""Values of names and rules on the given facts."""

from collections.abc import Callable

from gpurules.backends import ExplainedTerm, Facts, explain
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD
from gpurules.language import Environment, parse
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import inline_signals
from gpurules.lsp.names.scope import DeclaringSection, NameScope
from gpurules.lsp.project import FactsAtHand, Project
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.model import Datatype, Value, format_reading
from gpurules.model import Kind as ValueKind
from gpurules.rules import Loaded, examine

_TRUTHS = {True: "TRUE", False: "FALSE", None: "unknown"}
_OUTCOMES = {"match": "matches", "no-match": "does not match", "unknown": "is unknown", "suppressed": "is suppressed"}


def name_value(name: str, scope: NameScope, loaded: Loaded, at_hand: FactsAtHand) -> str | None:
    """Return the value of *name* in conditions, as Markdown; None if it has none, such as a list or a function.

    A signal has the value of its condition, since there is no history.
    """
    environment = loaded.environment or Environment(scope.fields)
    checked = environment.expression(parse(name))
    if isinstance(checked.term, ir.Constant) or checked.term.datatype.kind is ValueKind.ERROR:
        return None
    signals = {signal: environment.signal(signal).term for signal in scope.of(DeclaringSection.SIGNALS)}
    without_memory = ", by its condition alone" if name in signals else ""
    text = _value_text(explain(inline_signals(checked.term, signals), _facts(at_hand)))
    return f"Now{without_memory}: {text} ({at_hand.title})."


def rule_value(name: str, loaded: Loaded, at_hand: FactsAtHand) -> str | None:
    """Return whether the rule *name* matches and why, as Markdown; None where it cannot be determined."""
    if loaded.ruleset is None or loaded.ruleset.rule(name) is None:
        return None
    decision = loaded.ruleset.evaluate(at_hand.snapshot, at_hand.transfer, at_hand.workload, at_hand.node)
    explained = decision.explain()
    rule = explained.rule(name)
    on = f" on GPU {', '.join(map(str, rule.devices))}" if rule.devices else ""
    because = f" ({rule.because})" if rule.because else ""
    reason = f": {rule.reason}" if rule.reason else ""
    return f"Now it {_OUTCOMES[rule.outcome]}{on}{because}{reason} ({at_hand.title})."


class Values:
    """The values of names and rules; the ruleset of a document is reloaded only when its text has changed."""

    def __init__(self, documents: Documents, project: Project) -> None:
        self._documents = documents
        self._project = project
        self._kept: tuple[TextDocument, Loaded] | None = None

    def of_name(self, name: str, document: TextDocument, scope: NameScope) -> str | None:
        """Return the value of *name* in *document*; None if it has no value, or no facts are given."""
        return self._evaluate(lambda at_hand: name_value(name, scope, self._loaded(document), at_hand))

    def of_rule(self, name: str, document: TextDocument) -> str | None:
        """Return whether the rule *name* of *document* matches, and why; None if no facts are given."""
        return self._evaluate(lambda at_hand: rule_value(name, self._loaded(document), at_hand))

    def _evaluate(self, value: Callable[[FactsAtHand], str | None]) -> str | None:
        at_hand = self._project.facts_at_hand()
        if at_hand is None:
            return None
        return f"No value now: {at_hand.problem}." if at_hand.problem else value(at_hand)

    def _loaded(self, document: TextDocument) -> Loaded:
        """Load a ruleset, with its open bases; a test has no names other than fields."""
        if document.kind is not DocumentKind.RULESET:
            return Loaded(None)
        kept = self._kept
        if kept is None or kept[0] is not document:
            text = document.tree.source.text
            kept = self._kept = (document, examine(text, document.path, None, self._documents.read))
        return kept[1]


def _facts(at_hand: FactsAtHand) -> Facts:
    return Facts(
        at_hand.snapshot,
        at_hand.snapshot.gpus,
        at_hand.transfer or NO_TRANSFER,
        at_hand.workload or NO_WORKLOAD,
        at_hand.node or NO_NODE,
    )


def _value_text(explained: ExplainedTerm) -> str:
    if not explained.is_per_gpu:
        return _format_value(explained.values[0], explained.datatype)
    if not explained.devices:
        return "there is no GPU"
    texts = [_format_value(value, explained.datatype) for value in explained.values]
    if len(set(texts)) == 1 and len(texts) > 1:
        return f"{texts[0]} on all {len(texts)} GPUs"
    return ", ".join(f"GPU {index} {text}" for index, text in zip(explained.devices, texts, strict=True))


def _format_value(value: Value, datatype: Datatype) -> str:
    if datatype.kind is ValueKind.BOOL:
        return _TRUTHS[value if isinstance(value, bool) else None]
    if value is None:
        return "missing"
    return repr(value) if isinstance(value, str) else format_reading(float(value), datatype.dimension)
