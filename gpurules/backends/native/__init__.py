"""Shared code of the C and Go back ends: the layout of the state, and terms as expressions."""

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
