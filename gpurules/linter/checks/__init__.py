"""One file a check."""

from gpurules.linter.check import Check
from gpurules.linter.checks.always_true_in_history import AlwaysTrueInHistory
from gpurules.linter.checks.ambiguous_precedence import AmbiguousPrecedence
from gpurules.linter.checks.bare_number_for_unit import BareNumberForUnit
from gpurules.linter.checks.changing_alert_label import ChangingAlertLabel
from gpurules.linter.checks.competing_parameters import CompetingParameters
from gpurules.linter.checks.conflicting_actions import ConflictingActions
from gpurules.linter.checks.constant_on_left import ConstantOnLeft
from gpurules.linter.checks.cost_above_budget import CostAboveBudget
from gpurules.linter.checks.counter_used_as_gauge import CounterUsedAsGauge
from gpurules.linter.checks.deprecated_field import DeprecatedField
from gpurules.linter.checks.disabled_long import DisabledLong
from gpurules.linter.checks.equal_priority_overlap import EqualPriorityOverlap
from gpurules.linter.checks.equivalent_rules import EquivalentRules
from gpurules.linter.checks.flapping_risk import FlappingRisk
from gpurules.linter.checks.flaps_in_history import FlapsInHistory
from gpurules.linter.checks.float_equality import FloatEquality
from gpurules.linter.checks.for_below_sampling import ForBelowSampling
from gpurules.linter.checks.gap_or_overlap_in_bands import GapOrOverlapInBands
from gpurules.linter.checks.hysteresis_gap_zero import HysteresisGapZero
from gpurules.linter.checks.hysteresis_overlap import HysteresisOverlap
from gpurules.linter.checks.irreversible_without_guard import IrreversibleWithoutGuard
from gpurules.linter.checks.key_order import KeyOrder
from gpurules.linter.checks.long_condition import LongCondition
from gpurules.linter.checks.magic_threshold import MagicThreshold
from gpurules.linter.checks.missing_description import MissingDescription
from gpurules.linter.checks.never_true_in_history import NeverTrueInHistory
from gpurules.linter.checks.not_formatted import NotFormatted
from gpurules.linter.checks.partial_shadow import PartialShadow
from gpurules.linter.checks.plugin_without_schema import PluginWithoutSchema
from gpurules.linter.checks.redundant_part import RedundantPart
from gpurules.linter.checks.repeated_subcondition import RepeatedSubcondition
from gpurules.linter.checks.rule_name_style import RuleNameStyle
from gpurules.linter.checks.self_feedback import SelfFeedback
from gpurules.linter.checks.shadowed_by_union import ShadowedByUnion
from gpurules.linter.checks.shadowed_rule import ShadowedRule
from gpurules.linter.checks.simplifiable import Simplifiable
from gpurules.linter.checks.stale_after_too_long import StaleAfterTooLong
from gpurules.linter.checks.suspicious_unit_scale import SuspiciousUnitScale
from gpurules.linter.checks.tautology import Tautology
from gpurules.linter.checks.unknown_decides import UnknownDecides
from gpurules.linter.checks.unreachable_branch import UnreachableBranch
from gpurules.linter.checks.unsatisfiable import Unsatisfiable

CHECKS: tuple[Check, ...] = (
    AmbiguousPrecedence(),
    BareNumberForUnit(),
    SuspiciousUnitScale(),
    FloatEquality(),
    DeprecatedField(),
    CounterUsedAsGauge(),
    Unsatisfiable(),
    Tautology(),
    RedundantPart(),
    Simplifiable(),
    UnreachableBranch(),
    GapOrOverlapInBands(),
    UnknownDecides(),
    NeverTrueInHistory(),
    AlwaysTrueInHistory(),
    CostAboveBudget(),
    EquivalentRules(),
    ShadowedRule(),
    ShadowedByUnion(),
    PartialShadow(),
    ConflictingActions(),
    EqualPriorityOverlap(),
    CompetingParameters(),
    HysteresisOverlap(),
    DisabledLong(),
    IrreversibleWithoutGuard(),
    PluginWithoutSchema(),
    FlappingRisk(),
    HysteresisGapZero(),
    SelfFeedback(),
    ForBelowSampling(),
    StaleAfterTooLong(),
    FlapsInHistory(),
    ChangingAlertLabel(),
    RuleNameStyle(),
    ConstantOnLeft(),
    LongCondition(),
    NotFormatted(),
    KeyOrder(),
    RepeatedSubcondition(),
    MagicThreshold(),
    MissingDescription(),
)
"""Every check that ships, beside what loading a ruleset finds."""
