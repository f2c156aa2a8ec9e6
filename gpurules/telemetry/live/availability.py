"""Whether a source can be used here, and why not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gpurules.errors import GpurulesError
from gpurules.model import Snapshot
from gpurules.telemetry.live.poll import form_of
from gpurules.telemetry.source import Source, SourceFactory


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a source can be used here, with what it found or the reason why it cannot."""

    is_usable: bool
    detail: str
    gpu_count: int = 0


class ProbingFactory(SourceFactory, Protocol):
    """A factory that can say whether its source can be used here."""

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether a source can be used here, within *timeout* seconds; raises nothing."""
        ...


def try_out(open_it: Callable[[], Source]) -> Availability:
    """Return the result of one read of a source, which is then closed."""
    try:
        source = open_it()
    except GpurulesError as error:
        return Availability(False, str(error))
    try:
        found = describe_snapshot(source.read())
        form = form_of(source)
        return replace(found, detail=f"{found.detail} · {form}") if form else found
    except GpurulesError as error:
        return Availability(False, str(error))
    finally:
        source.close()


def describe_snapshot(snapshot: Snapshot) -> Availability:
    """Summarize a snapshot in a few words.

    >>> describe_snapshot(Snapshot(driver_version="580.1")).detail
    'no GPU · driver 580.1'
    """
    names = [gpu.name or "GPU" for gpu in snapshot.gpus if not gpu.mig]
    kinds = [f"{names.count(name)} x {name}" for name in dict.fromkeys(names)] or ["no GPU"]
    driver = [f"driver {snapshot.driver_version}"] if snapshot.driver_version else []
    return Availability(True, " · ".join([", ".join(kinds), *driver]), len(names))
