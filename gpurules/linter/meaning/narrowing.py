"""What to add to a rule so that it no longer matches where another one does, proved before it is offered."""

from gpurules.language.syntax import nodes
from gpurules.language.terms import ir
from gpurules.linter.conditions.parts import conjuncts
from gpurules.linter.meaning.analysis import ActiveRule, Analysis
from gpurules.linter.rewriting.simplification import simplify
from gpurules.proofs import ScopedCondition, is_true

_LONGEST = 60


def _denied(node: nodes.Expr, text: str) -> str:
    return simplify(nodes.Not(node, span=node.span)) or f"NOT ({text})"


def narrower(one: ActiveRule, other: ActiveRule, analysis: Analysis) -> str | None:
    """Return a condition with which *one* cannot match at once with *other*, None where no plain one does."""
    if other.placed is None or other.placed.expression.parsed.tree is None or other.rule.signal is not None:
        return None
    parsed = other.placed.expression.parsed
    assert parsed.tree is not None
    for part in conjuncts(parsed.tree, other.rule.term):
        text = " ".join(parsed.text[part.node.span.start : part.node.span.end].split())
        is_per_gpu = ir.is_per_gpu(part.term)
        outside = ir.Not(ir.Aggregate("any", part.term, part.term.datatype) if is_per_gpu else part.term)
        is_nested = is_per_gpu and any(isinstance(t, ir.Aggregate) for t in ir.walk(part.term))
        if len(text) > _LONGEST or is_nested:
            continue
        narrowed = ScopedCondition(ir.And((one.condition.term, outside)), one.rule.gpus)
        if analysis.find_witness([is_true(narrowed)]) and analysis.is_impossible(
            [is_true(narrowed), is_true(other.condition)], ()
        ):
            return f"NOT any({text})" if is_per_gpu else _denied(part.node, text)
    return None
