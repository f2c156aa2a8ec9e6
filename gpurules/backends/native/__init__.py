"""What the back ends for compiled languages share: the layout of the state, and terms as expressions of C and Go."""

from gpurules.backends.native.emitter import Emitter, Expression
from gpurules.backends.native.program import Claim, NativeProgram, NativeRule, Plan
from gpurules.backends.native.schema import Column, StateSchema, schema_of

__all__ = [
    "Claim",
    "Column",
    "Emitter",
    "Expression",
    "NativeProgram",
    "NativeRule",
    "Plan",
    "StateSchema",
    "schema_of",
]
