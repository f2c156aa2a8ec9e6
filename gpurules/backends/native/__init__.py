"""Shared code of the C and Go back ends: the layout of the state, and terms as expressions.

::

    ruleset --> program    rules, claims and the plan by which functions are emitted (identifiers, claims)
            --> schema     the columns of the state --> cells     a state as bytes of the state file
            --> emitter    terms as expressions     --> deciding  bind, decide, combine
                regex --> automata, globs, casing, detection      how texts are matched
                spelling, statements                              what a language provides

The entry points are ``NativeProgram`` and ``NativeEmitter``.
"""

from gpurules.backends.native.emitter import NativeEmitter, NativeExpression
from gpurules.backends.native.program import NativeClaim, NativePlan, NativeProgram, NativeRule
from gpurules.backends.native.schema import Column, StateSchema, schema_of

__all__ = [
    "Column",
    "NativeClaim",
    "NativeEmitter",
    "NativeExpression",
    "NativePlan",
    "NativeProgram",
    "NativeRule",
    "StateSchema",
    "schema_of",
]
