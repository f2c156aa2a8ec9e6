"""Checked trees to artifacts: functions that run, and explanations.

::

    ir.Term -> emitter -> python            generated Python: a condition
    ir.Term -> columnar                     the same over columns of many snapshots at once (NumPy)
    ir.Term -> explain -> reasons           a tree-walking evaluator: the value of each part, and the shortest reason
    rules   -> straight                     the mask of matching rules, nothing prepared: one pass over the GPUs
    rules   -> specialization               Specializer: partial evaluation on a snapshot; a residual per transfer
                 ambient_index              ... the parts that the snapshot decides, looked up in bitmap_columns
                 contextual_index           ... the parts that transfer and workload decide, looked up likewise
                 subjects                   ... what one rule is to a column, worked out once for the rule
                 text_column                ... both, where a text is searched for patterns, by the literals in it
                 existential_rewrite        ... "some GPU has x > c" as "max x > c"

Every back end is a ``BackEnd`` (``backend``) that evaluates a term over ``Facts``; ``PythonBackEnd`` is the one that
decides, ``ExplainBackEnd`` is its reference.
"""

from gpurules.backends.backend import BackEnd, Result
from gpurules.backends.explain import ExplainBackEnd, ExplainedTerm, explain, value_of
from gpurules.backends.facts import EvaluationContext, Facts, SlotLayout, slot_key
from gpurules.backends.python import PythonBackEnd, RuleTerm

__all__ = [
    "BackEnd",
    "EvaluationContext",
    "ExplainBackEnd",
    "ExplainedTerm",
    "Facts",
    "PythonBackEnd",
    "Result",
    "RuleTerm",
    "SlotLayout",
    "explain",
    "slot_key",
    "value_of",
]
