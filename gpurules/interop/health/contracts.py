"""What each caller of a health check reads: exit codes, lines, and how long it waits.

Source: Node Problem Detector, docs/custom_plugin_monitor.md (0 OK, 1 NonOK, else Unknown; output cut at
``max_output_length``, 80; killed after ``timeout``, 5 s); slurm.conf(5), HealthCheckProgram (killed after 60 s);
Nagios Plugins Development Guidelines, section 2 (0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, one line first).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpurules.diagnostics.excerpt import visible
from gpurules.interop.health.report import HealthReport, HealthStatus
from gpurules.strict_json import dumps

NPD_BYTES = 80
"""The most that Node Problem Detector keeps of a plug-in's output, the line feed counted."""
DEADLINES = {"text": 10.0, "json": 10.0, "npd": 4.0, "slurm": 50.0, "nagios": 9.0}
"""Within how many seconds each caller wants to be answered."""
_NAGIOS_WORDS = {
    HealthStatus.HEALTHY: "OK",
    HealthStatus.WARNING: "WARNING",
    HealthStatus.PROBLEM: "CRITICAL",
    HealthStatus.UNKNOWN: "UNKNOWN",
}


@dataclass(frozen=True, slots=True)
class Contract:
    """The exit codes of one caller, by status."""

    healthy: int
    warning: int
    problem: int
    unknown: int

    def exit_code(self, status: HealthStatus) -> int:
        """Return the exit code for *status*."""
        return int(getattr(self, status.value))


CONTRACTS: Mapping[str, Contract] = {
    "text": Contract(0, 0, 1, 2),
    "json": Contract(0, 0, 1, 2),
    "npd": Contract(0, 0, 1, 2),
    "slurm": Contract(0, 0, 1, 0),
    "nagios": Contract(0, 1, 2, 3),
}


def render_health(report: HealthReport, format_: str) -> str:
    """Return what the caller named *format_* reads, lines with their ends."""
    if format_ == "json":
        return dumps(_document(report), indent=2) + "\n"
    if format_ == "npd":
        return _npd_line(report)
    lines = _nagios_lines(report) if format_ == "nagios" else _lines(report)
    return "".join(f"{visible(line)}\n" for line in lines)


def _document(report: HealthReport) -> dict[str, object]:
    return {
        "schema_version": 1,
        "status": report.status.value,
        "reason": report.why_unknown if report.status is HealthStatus.UNKNOWN else None,
        "findings": [finding.to_dict() for finding in report.findings],
        "undecided": [undecided.to_dict() for undecided in report.undecided],
        "rules": report.rules,
        "gpus": report.gpus,
    }


def summarize(report: HealthReport) -> str:
    """Return the report in one line, the worst finding first."""
    if report.status is HealthStatus.UNKNOWN:
        return f"unknown: {report.why_unknown}"
    if report.findings:
        more = len(report.findings) - 1
        return report.findings[0].place + (f" (+{more} more)" if more else "")
    gpus = f"{report.gpus} GPU{'' if report.gpus == 1 else 's'}"
    return f"healthy: {report.rules - len(report.undecided)} of {report.rules} rules decided, {gpus}"


def _npd_line(report: HealthReport) -> str:
    """Return one line that is at most ``NPD_BYTES`` long, with the count of what is not shown at its end."""
    head, bracket, count = summarize(report).partition(" (+")
    tail = bracket + count
    head, tail = (_plain(text) for text in (head, tail))
    room = NPD_BYTES - 1 - len(tail)
    return (head if len(head) <= room else head[: room - 3] + "...") + tail + "\n"


def _plain(text: str) -> str:
    return visible(text).encode("ascii", "replace").decode("ascii")


def _lines(report: HealthReport) -> Iterator[str]:
    for finding in report.findings:
        yield f"{finding.severity}: {finding.place}: {finding.description}"
    for undecided in report.undecided:
        yield f"undecided: {undecided.rule}: {undecided.reason}"
    if not report.findings:
        yield summarize(report)


def _nagios_lines(report: HealthReport) -> Iterator[str]:
    problems = sum(not finding.is_warning for finding in report.findings)
    warnings = len(report.findings) - problems
    counts = f"problems={problems} warnings={warnings} undecided={len(report.undecided)}"
    yield f"{_NAGIOS_WORDS[report.status]} - {_unpiped(summarize(report))} | {counts}"
    for finding in report.findings:
        yield _unpiped(f"{finding.severity}: {finding.place}: {finding.description}")


def _unpiped(text: str) -> str:
    """Return *text* without the character that separates performance data."""
    return text.replace("|", "/")
