"""What to add to a rule so that it no longer matches where another one does, proved before it is offered."""

from gpurules.language import ir, nodes
from gpurules.linter.analysis import Analysis, Standing
from gpurules.linter.parts import conjuncts
from gpurules.linter.shorter import shorter
from gpurules.proofs import ScopedCondition, is_true

_LONGEST = 60


def _denied(node: nodes.Expr, text: str) -> str:
    return shorter(nodes.Not(node, span=node.span)) or f"NOT ({text})"


def narrower(one: Standing, other: Standing, analysis: Analysis) -> str | None:
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
        narrowed = ScopedCondition(ir.And((one.stated.term, outside)), one.rule.gpus)
        if analysis.shown([is_true(narrowed)]) and analysis.never([is_true(narrowed), is_true(other.stated)], ()):
            return f"NOT any({text})" if is_per_gpu else _denied(part.node, text)
    return None
