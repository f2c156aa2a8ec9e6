"""Determines which telemetry sources can be used here, and why the others cannot."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gpurules.plugins import reason
from gpurules.telemetry.live.availability import Availability
from gpurules.telemetry.source import SourceFactory
from gpurules.telemetry.source_registry import SOURCE_NAMES, all_sources

_AUTO = "auto"


@dataclass(frozen=True, slots=True)
class SourceFinding:
    """The result for one source.

    Missing: ``is_usable`` is None for a source that does not depend on the machine, or cannot be probed.
    """

    name: str
    summary: str
    is_usable: bool | None
    detail: str
    gpu_count: int = 0


def survey(timeout: float = 10.0) -> tuple[SourceFinding, ...]:
    """Probe every source in parallel, including those of plug-ins.

    Units: *timeout* in seconds, for each.
    """
    sources, broken = all_sources()
    tried = [factory for factory in sources if factory.name != _AUTO]
    with ThreadPoolExecutor(max_workers=max(1, len(tried))) as pool:
        findings = list(pool.map(lambda factory: _finding(factory, timeout), tried))
    auto = sources.get(_AUTO)
    first = [] if auto is None else [_auto(auto, findings)]
    failed = [SourceFinding(name, "", False, reason) for name, reason in broken.items() if name not in sources]
    return (*first, *findings, *failed)


def _summary(factory: SourceFactory) -> str:
    return str(getattr(factory, "summary", ""))


def _finding(factory: SourceFactory, timeout: float) -> SourceFinding:
    probe = getattr(factory, "probe", None)
    if probe is None:
        return SourceFinding(factory.name, _summary(factory), None, "")
    try:
        found = probe("", timeout)
    except Exception as error:  # a built-in source may have bugs; plug-ins are wrapped
        return SourceFinding(factory.name, _summary(factory), False, str(error) or reason(error))
    if not isinstance(found, Availability):
        return SourceFinding(factory.name, _summary(factory), None, "")
    return SourceFinding(factory.name, _summary(factory), found.is_usable, found.detail, found.gpu_count)


def _auto(auto: SourceFactory, findings: list[SourceFinding]) -> SourceFinding:
    """Return which source ``auto`` would select: the first shipped one that works, preferably with a GPU."""
    live = [finding for finding in findings if finding.is_usable and finding.name in SOURCE_NAMES]
    best = next((finding for finding in live if finding.gpu_count), live[0] if live else None)
    if best is None:
        return SourceFinding(_AUTO, _summary(auto), False, "no live source works on this machine")
    return SourceFinding(_AUTO, _summary(auto), True, f"takes {best.name}", best.gpu_count)
