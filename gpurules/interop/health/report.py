"""The result of a health check: a status, the rules that matched, and those that could not be decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gpurules.model import GPUIndex
from gpurules.rules.rule import Rule

SEVERITY = "severity"
"""The annotation that says how bad a match of a rule is."""
_WARNINGS = ("warning", "info")


class HealthStatus(StrEnum):
    """What a node is, from best to worst."""

    HEALTHY = "healthy"
    WARNING = "warning"
    UNKNOWN = "unknown"
    PROBLEM = "problem"


def is_warning(rule: Rule) -> bool:
    """Whether a match of *rule* is a warning; without a severity it is a problem."""
    return rule.annotations.get(SEVERITY, "").strip().lower() in _WARNINGS


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """A rule that matched.

    Missing: ``devices`` is empty for a rule about the node.
    """

    rule: str
    description: str
    devices: tuple[GPUIndex, ...] = ()
    is_warning: bool = False

    @property
    def severity(self) -> str:
        """``critical`` or ``warning``."""
        return "warning" if self.is_warning else "critical"

    @property
    def place(self) -> str:
        """The rule, and the GPUs that it matched on."""
        return f"{self.rule} on GPU {', '.join(map(str, self.devices))}" if self.devices else self.rule

    def to_dict(self) -> dict[str, object]:
        """Return the finding as JSON-ready data."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "devices": list(self.devices),
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class Undecided:
    """A rule that is neither true nor false, and why."""

    rule: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        return {"rule": self.rule, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The result of a health check, worst findings first.

    Missing: ``reason`` is None unless the status is unknown for a reason that lies outside the rules.
    """

    findings: tuple[HealthFinding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    rules: int = 0
    gpus: int = 0
    reason: str | None = None

    @property
    def status(self) -> HealthStatus:
        """What the node is."""
        if self.reason is not None:
            return HealthStatus.UNKNOWN
        if any(not finding.is_warning for finding in self.findings):
            return HealthStatus.PROBLEM
        if self.findings:
            return HealthStatus.WARNING
        return HealthStatus.UNKNOWN if len(self.undecided) >= self.rules else HealthStatus.HEALTHY

    @property
    def why_unknown(self) -> str:
        """Why the status is unknown."""
        if self.reason is not None:
            return self.reason
        first = f"; {self.undecided[0].rule}: {self.undecided[0].reason}" if self.undecided else ""
        return f"no rule could be decided{first}"


def order_findings(findings: Iterable[HealthFinding]) -> tuple[HealthFinding, ...]:
    """Return *findings* with the worst first; those that are equally bad stay in the order of the rules."""
    return tuple(sorted(findings, key=lambda finding: finding.is_warning))


def unknown_health(reason: str) -> HealthReport:
    """Return the report of a check that could not be made."""
    return HealthReport(reason=" ".join(reason.split()) or "no reason was given")
