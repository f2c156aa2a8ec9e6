"""Every diagnostic code: its name, severity and kind. Facts about codes live here and nowhere else."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: errors stop a ruleset from loading, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Fix(StrEnum):
    """What a fix of a finding is: ``safe`` wherever it is proved to keep the meaning, or ``unsafe`` always."""

    SAFE = "safe"
    UNSAFE = "unsafe"


_SAFE = frozenset({
    "GPR004", "GPR005", "GPR006", "GPR007", "GPR105", "GPR108", "GPR111", "GPR113", "GPR203", "GPR204", "GPR205",
    "GPR506", "GPR702", "GPR704", "GPR705", "GPR706", "GPR901", "GPR905",
})  # fmt: skip
_UNSAFE = frozenset({
    "GPR101", "GPR104", "GPR106", "GPR107", "GPR109", "GPR116", "GPR206", "GPR302", "GPR401", "GPR403",
    "GPR404", "GPR408", "GPR409", "GPR501", "GPR502", "GPR509", "GPR601", "GPR603", "GPR605", "GPR606", "GPR701",
    "GPR707", "GPR808", "GPR904", "GPR906",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of the catalogue.

    ``kind`` is the family that programs match on (``unknown-name``, ``dimension``, …); codes may share one.
    """

    code: str
    name: str
    severity: Severity
    kind: str
    summary: str

    @property
    def fix(self) -> Fix | None:
        """What a fix of such a finding is; None where there is none: what is meant has to be thought out."""
        return Fix.SAFE if self.code in _SAFE else Fix.UNSAFE if self.code in _UNSAFE else None


E_, W_, I_ = Severity.ERROR, Severity.WARNING, Severity.INFO

_TABLE = (
    Code("GPR001", "yaml-invalid", E_, "yaml", "the file is not YAML"),
    Code("GPR002", "duplicate-key", E_, "duplicate", "a mapping key occurs twice"),
    Code("GPR003", "condition-syntax", E_, "syntax", "a condition cannot be parsed"),
    Code("GPR004", "foreign-operator", E_, "syntax", "an operator of another language"),
    Code(
        "GPR005",
        "ambiguous-precedence",
        W_,
        "precedence",
        "AND and OR mixed without parentheses, or NOT over a per-GPU comparison",
    ),
    Code(
        "GPR006",
        "yaml-implicit-type",
        W_,
        "yaml-type",
        "a scalar that YAML 1.1 reads as something else than the text wanted here",
    ),
    Code("GPR007", "invisible-character", E_, "syntax", "an invisible or look-alike character in a condition"),
    Code("GPR008", "anchor-merge-hides-key", W_, "merge", "a merge key is overridden for a condition or an action"),
    Code("GPR009", "limit-exceeded", E_, "limit", "a limit on size, depth, aliases or numbers is exceeded"),
    Code("GPR010", "not-utf8", E_, "encoding", "the file is not UTF-8"),
    Code("GPR011", "chain-direction", E_, "chain", "a chain of comparisons mixes directions, or chains !="),
    Code("GPR101", "unknown-field", E_, "unknown-name", "no field, signal, define, input or function has this name"),
    Code("GPR103", "type-mismatch", E_, "type", "operands of types that do not fit"),
    Code("GPR104", "unit-mismatch", E_, "dimension", "operands of dimensions that do not fit"),
    Code("GPR105", "bare-number-for-unit", W_, "bare-number", "a quantity is compared with a number without a unit"),
    Code("GPR106", "suspicious-unit-scale", W_, "scale", "a literal whose scale is probably wrong for the field"),
    Code("GPR107", "unknown-enum-value", W_, "enum-warning", "a literal that the field never takes"),
    Code("GPR108", "enum-case", W_, "enum-warning", "the right value in the wrong case"),
    Code("GPR109", "float-equality", W_, "float-equality", "equality on a sampled real number"),
    Code("GPR110", "out-of-range-literal", W_, "range-warning", "a literal outside the field's range"),
    Code("GPR111", "unused-definition", W_, "unused", "a define, input, list or signal is never used"),
    Code("GPR112", "shadowed-name", W_, "shadowed", "a local name hides a field"),
    Code("GPR113", "deprecated-field", W_, "deprecated", "a field that has been replaced"),
    Code("GPR114", "counter-used-as-gauge", W_, "counter", "a cumulative counter is compared with a constant"),
    Code("GPR115", "definition-cycle", E_, "cycle", "defines or signals use each other in a circle"),
    Code("GPR116", "unknown-unit", E_, "unit", "a unit that does not exist, or a malformed number"),
    Code("GPR117", "wrong-arguments", E_, "arity", "a function with too few or too many arguments"),
    Code("GPR118", "invalid-pattern", E_, "pattern", "a MATCHES pattern that is not RE2, or not a literal"),
    Code("GPR119", "aggregate-misuse", E_, "aggregate", "an aggregate that is nested, or has no per-GPU field"),
    Code("GPR120", "window-misuse", E_, "window", "a window outside an over-time function, or none inside"),
    Code("GPR201", "unsatisfiable", E_, "meaning", "a condition that can never be TRUE"),
    Code("GPR202", "tautology", W_, "meaning", "a condition that is TRUE whenever its facts are known"),
    Code("GPR203", "redundant-part", W_, "meaning", "a part of an AND or OR that changes nothing"),
    Code("GPR204", "simplifiable", I_, "meaning", "a condition with an equivalent shorter form"),
    Code("GPR205", "unreachable-branch", W_, "meaning", "an arm of an OR that can never be TRUE"),
    Code("GPR206", "gap-or-overlap-in-bands", W_, "meaning", "bands of one field leave out the edge, or both have it"),
    Code("GPR207", "unknown-decides", W_, "meaning", "a default for a missing fact alone makes a rule match"),
    Code("GPR209", "never-true-in-history", I_, "history", "a rule that no recorded sample satisfies"),
    Code("GPR210", "always-true-in-history", I_, "history", "a rule that is TRUE in nearly all recorded samples"),
    Code("GPR211", "cost-above-budget", W_, "cost", "a condition that compares with very many values"),
    Code("GPR301", "duplicate-rule-name", E_, "duplicate", "two rules have one name"),
    Code("GPR302", "equivalent-rules", W_, "between-rules", "two rules with the same condition and the same action"),
    Code("GPR303", "shadowed-rule", W_, "between-rules", "a rule that another one covers wholly"),
    Code("GPR304", "shadowed-by-union", W_, "between-rules", "a rule that several others cover together"),
    Code("GPR305", "partial-shadow", I_, "between-rules", "a rule that others cut off but for one range of one fact"),
    Code("GPR306", "conflicting-actions", E_, "between-rules", "two rules that can order opposite things at once"),
    Code("GPR307", "equal-priority-overlap", W_, "between-rules", "two rules of which the order in the file decides"),
    Code("GPR308", "competing-parameters", W_, "between-rules", "two rules tell one action different things"),
    Code("GPR401", "unknown-key", E_, "unknown-key", "a key that means nothing here"),
    Code("GPR402", "missing-key", E_, "missing-key", "a required key is absent"),
    Code("GPR403", "wrong-value-type", E_, "type", "a value of the wrong kind"),
    Code("GPR404", "format-version", E_, "type", "a version of the format that is not known here"),
    Code("GPR405", "wrong-document-kind", E_, "type", "a document that is not a ruleset"),
    Code("GPR406", "overlay-target-missing", E_, "override", "a patch of a rule that no base has"),
    Code("GPR407", "disabled-long", I_, "disabled", "a rule that is disabled without a reason"),
    Code("GPR408", "base-not-found", E_, "extends", "extends names a file or ruleset that cannot be read"),
    Code(
        "GPR409",
        "unknown-input",
        E_,
        "parameter",
        "with sets an input that the base does not declare, or of the wrong type",
    ),
    Code("GPR410", "action-and-actions", E_, "duplicate", "a rule has both action and actions"),
    Code("GPR411", "extends-cycle", E_, "extends", "a file extends itself through others"),
    Code("GPR501", "unknown-action", E_, "unknown-action", "no action has this name"),
    Code("GPR502", "unknown-parameter", E_, "parameter", "the action has no parameter of this name"),
    Code("GPR503", "missing-parameter", E_, "parameter", "a required parameter is absent"),
    Code("GPR504", "parameter-out-of-range", E_, "parameter", "a parameter outside its range"),
    Code("GPR505", "parameter-conflict", E_, "parameter", "parameters that exclude each other"),
    Code("GPR506", "no-op-parameters", W_, "no-op", "parameters that make the action do nothing"),
    Code("GPR507", "irreversible-without-guard", W_, "unguarded", "an irreversible action with nothing that damps it"),
    Code("GPR508", "plugin-without-schema", W_, "plugin", "a plug-in action without a parameter schema"),
    Code("GPR509", "template-unknown-name", E_, "parameter", "a placeholder of a message that names nothing"),
    Code("GPR601", "flapping-risk", W_, "flapping", "an effect on a noisy gauge, with nothing that damps it"),
    Code("GPR602", "hysteresis-overlap", E_, "hysteresis", "a condition and an `until` that can hold at once"),
    Code("GPR603", "hysteresis-gap-zero", W_, "hysteresis", "an `until` exactly where the condition ends"),
    Code("GPR604", "self-feedback", I_, "feedback", "an action on what its own condition reads, undamped"),
    Code("GPR605", "for-below-sampling", W_, "sampling", "a `for` shorter than two polls"),
    Code("GPR606", "stale-after-too-long", W_, "sampling", "data older than a `for` is still believed"),
    Code("GPR607", "flaps-in-history", I_, "history", "a rule that starts and stops all the time in a recording"),
    Code("GPR608", "state-on-transfer", E_, "scope", "a timer on a condition that reads a transfer or workload"),
    Code("GPR701", "rule-name-style", W_, "style", "a rule's name is not in lower case with _ or - between words"),
    Code("GPR702", "constant-on-left", I_, "style", "a comparison that starts with the constant"),
    Code("GPR703", "long-condition", I_, "style", "a condition of very many parts"),
    Code("GPR704", "not-formatted", W_, "style", "a file that `gpurules fmt` would change"),
    Code("GPR705", "key-order", I_, "style", "the keys of a rule are not in the usual order"),
    Code("GPR706", "repeated-subcondition", I_, "style", "the same part in three or more rules"),
    Code("GPR707", "magic-threshold", I_, "style", "the same threshold in three or more rules"),
    Code("GPR801", "rule-untested", W_, "test", "no test makes the rule match"),
    Code("GPR802", "no-negative-test", W_, "test", "no test makes the rule stay quiet"),
    Code("GPR803", "boundary-untested", I_, "test", "no test at a threshold and on both of its sides"),
    Code("GPR804", "unknown-path-untested", I_, "test", "no test in which what is compared is missing"),
    Code("GPR805", "missing-description", W_, "style", "a rule that does not say what it is for"),
    Code("GPR806", "test-cannot-fail", W_, "test", "an expectation that holds for any ruleset"),
    Code("GPR807", "duplicate-test-name", E_, "duplicate", "two tests of a file have one name"),
    Code("GPR808", "test-names-missing-rule", E_, "unknown-name", "a test names a rule that the ruleset does not have"),
    Code("GPR901", "unused-suppression", W_, "suppression", "a suppression that silences nothing"),
    Code("GPR902", "expired-suppression", E_, "suppression", "a suppression whose `until` has passed"),
    Code("GPR903", "suppression-without-reason", W_, "suppression", "a suppression that does not say why"),
    Code("GPR904", "unknown-code", E_, "suppression", "a selector that names no code"),
    Code("GPR905", "baseline-stale", W_, "baseline", "an entry of the baseline that no longer occurs"),
    Code("GPR906", "config-unknown-key", E_, "unknown-key", "a key of the configuration that means nothing"),
)

CATALOGUE = {code.code: code for code in _TABLE}
"""Every known code, by its code."""

ON_REQUEST = ("GPR7", "GPR8")
"""The groups that are reported only where they are selected: style, and tests and docs."""

ABOUT_TESTS = frozenset({"GPR806", "GPR807", "GPR808"})
"""The codes of what is wrong with tests of rules themselves."""

LINT_ONLY = frozenset({"GPR201", "GPR306", "GPR602"})
"""Errors that only ``gpurules lint`` looks for: a ruleset that has them loads, and does what it says."""

DEFAULT_CODES = frozenset(code for code in CATALOGUE if not code.startswith(ON_REQUEST))
"""The codes that are reported where nothing is selected."""


def codes_named(selector: str) -> frozenset[str]:
    """Return the codes that *selector* means: a code, a prefix such as ``GPR1``, or a name; none where it means none.

    >>> sorted(codes_named("unknown-field") | codes_named("GPR60"))
    ['GPR101', 'GPR601', 'GPR602', 'GPR603', 'GPR604', 'GPR605', 'GPR606', 'GPR607', 'GPR608']
    """
    prefix = selector.upper() if selector[:3].upper() == "GPR" else None
    return frozenset(code.code for code in _TABLE if code.name == selector or (prefix and code.code.startswith(prefix)))


_LIKE_DIGITS = str.maketrans("OILS", "0115")


def code_candidates(selector: str) -> tuple[str, ...]:
    """Return what a wrong *selector* may have been meant to be: all codes and names, or what it looks like.

    >>> code_candidates("GPR2O1")
    ('GPR201',)
    """
    written = selector.upper()
    meant = written[:3] + written[3:].translate(_LIKE_DIGITS)
    return (meant,) if meant in CATALOGUE else (*CATALOGUE, *(code.name for code in _TABLE))
