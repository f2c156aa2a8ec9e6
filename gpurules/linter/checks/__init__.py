"""One file a check."""

from gpurules.linter.check import Check
from gpurules.linter.checks.ambiguous_precedence import AmbiguousPrecedence
from gpurules.linter.checks.bare_number_for_unit import BareNumberForUnit
from gpurules.linter.checks.counter_used_as_gauge import CounterUsedAsGauge
from gpurules.linter.checks.disabled_long import DisabledLong
from gpurules.linter.checks.float_equality import FloatEquality
from gpurules.linter.checks.plugin_without_schema import PluginWithoutSchema
from gpurules.linter.checks.suspicious_unit_scale import SuspiciousUnitScale

CHECKS: tuple[Check, ...] = (
    AmbiguousPrecedence(),
    BareNumberForUnit(),
    SuspiciousUnitScale(),
    FloatEquality(),
    CounterUsedAsGauge(),
    DisabledLong(),
    PluginWithoutSchema(),
)
"""Every check that ships, beside what loading a ruleset finds."""
