"""Checks what works on this machine, and what prevents a ruleset from working."""

import ctypes
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from glob import glob
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gpurules.actions import failed_plugins, usable_actions
from gpurules.actions.targets import TARGETS
from gpurules.cli.terminal.output import pluralize
from gpurules.engine.effects.events import feeds_read, fields_read, readers_of
from gpurules.engine.polling.source_worker import SourceWorker
from gpurules.fields import Field
from gpurules.model import Snapshot
from gpurules.rules import Ruleset
from gpurules.telemetry import Source, TelemetryError
from gpurules.telemetry.coverage import never_given, sources_giving

_DEVICES = ("/dev/nvidiactl", "/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dri/renderD*")
_EPOCH = 1_735_689_600
"""2025-01-01: an earlier time is that of a clock which no one has set."""
_UNSYNCHRONIZED = 5
_SHOWN = 6
FIELDS_SHOWN = ("gpu_memory", "gpu_utilization", "gpu_temperature", "gpu_power")


class CheckStatus(StrEnum):
    """The result of a check; only broken makes the exit code 1."""

    GOOD = "good"
    NOTE = "note"
    WARN = "warn"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """The result of one check, with a remedy if it failed."""

    name: str
    state: CheckStatus
    detail: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the check as JSON-ready data."""
        return {"name": self.name, "state": self.state.value, "detail": self.detail, "remedy": self.remedy}


def of_devices() -> Iterator[DoctorCheck]:
    """Check that this user may open the device files of GPUs."""
    found = sorted(path for pattern in _DEVICES for path in glob(pattern))  # noqa: PTH207
    closed = [path for path in found if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        remedy = "let this user read and write them (groups video and render, or the cgroup of the container)"
        yield DoctorCheck("devices", CheckStatus.WARN, f"{', '.join(closed[:_SHOWN])} cannot be opened", remedy)
    elif found:
        yield DoctorCheck("devices", CheckStatus.GOOD, f"{pluralize(len(found), 'device file')} can be opened")
    else:
        yield DoctorCheck("devices", CheckStatus.NOTE, "there is no GPU device file")


def of_clock(snapshot: Snapshot | None) -> Iterator[DoctorCheck]:
    """Check that the clock is set and synchronized, and agrees with the times of snapshots."""
    now = time.time()
    local = datetime.fromtimestamp(now, UTC).astimezone()
    if now < _EPOCH:
        yield DoctorCheck("clock", CheckStatus.BROKEN, f"it is {local:%Y-%m-%d %H:%M %Z}", "set the clock")
    elif _kernel_state() == _UNSYNCHRONIZED:
        detail_text = f"{local:%Y-%m-%d %H:%M:%S %Z}, not synchronized"
        yield DoctorCheck(
            "clock", CheckStatus.WARN, detail_text, "run chrony or systemd-timesyncd, here or on the container's host"
        )
    else:
        yield DoctorCheck("clock", CheckStatus.GOOD, f"{local:%Y-%m-%d %H:%M:%S %Z}")
    if snapshot is not None and abs(now - snapshot.timestamp) > 10:
        off = f"snapshots are stamped {now - snapshot.timestamp:+.0f} s ahead of this machine's clock"
        yield DoctorCheck(
            "clock",
            CheckStatus.WARN,
            off,
            "decisions are stale from the start; fix the clock of the machine that writes the snapshots",
        )


def _kernel_state() -> int | None:
    """Return the kernel's report on its clock.

    Missing: the system call is not available here.
    Source: adjtimex(2); 5 is TIME_ERROR, not synchronized.
    """
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))
    except (OSError, AttributeError):
        return None


def of_zone(ruleset: Ruleset) -> Iterator[DoctorCheck]:
    """Check that this machine knows the time zone of a ruleset."""
    name = ruleset.settings.timezone
    reads_time = any(field.name in ("hour", "weekday", "time_of_day") for field in fields_read(ruleset))
    try:
        zone = UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        state = CheckStatus.BROKEN if reads_time else CheckStatus.WARN
        yield DoctorCheck(
            "time zone", state, f"unknown time zone {name!r} on this machine", "install tzdata (pip install tzdata)"
        )
        return
    detail_text = f"{name}, where it is {datetime.now(zone):%a %H:%M}"
    yield DoctorCheck(
        "time zone", CheckStatus.GOOD, detail_text if reads_time else f"{detail_text}; no rule reads the time"
    )


def of_state(path: Path) -> Iterator[DoctorCheck]:
    """Check that the state file can be written."""
    folder = path.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        yield DoctorCheck("state", CheckStatus.GOOD, f"{path} can be written")
    else:
        remedy = "create the folder, and let this user write to it"
        yield DoctorCheck("state", CheckStatus.BROKEN, f"{path} cannot be written", remedy)


def of_telemetry(
    source: Source, ruleset: Ruleset | None, wait: float = 1.0, timeout: float = 30.0
) -> tuple[Snapshot | None, list[DoctorCheck]]:
    """Read a source twice, since rates need two samples; return the second snapshot and the check.

    Units: seconds.
    """
    reading = SourceWorker(source)
    if ruleset is not None:
        reading.sample([*FIELDS_SHOWN, *(field.name for field in fields_read(ruleset) if field.is_per_gpu)])
        reading.feed(feeds_read(ruleset))
    try:
        snapshot = reading.read(timeout)
        with suppress(TelemetryError):
            time.sleep(wait)
            snapshot = reading.read(timeout)
    except TelemetryError as error:
        return None, [DoctorCheck("telemetry", CheckStatus.BROKEN, str(error), "gpurules sources lists the sources")]
    finally:
        reading.close(5.0)
    lost = snapshot.gpu_lost_count
    form = f" ({reading.form.name})" if reading.form else ""
    detail_text = f"{reading.name}{form}: {pluralize(snapshot.gpu_count, 'GPU')}{f', {lost} lost' if lost else ''}"
    state = CheckStatus.WARN if lost or not snapshot.gpus else CheckStatus.GOOD
    problems = [DoctorCheck("telemetry", CheckStatus.WARN, problem) for problem in snapshot.problems[:_SHOWN]]
    return snapshot, [DoctorCheck("telemetry", state, detail_text), *problems]


def of_fields(ruleset: Ruleset, snapshot: Snapshot, source: object = None) -> Iterator[DoctorCheck]:
    """Check each field that rules read: does this node report it, and can *source* report it at all?"""
    wanted = sorted((field for field in fields_read(ruleset) if field.is_per_gpu), key=lambda field: field.name)
    never = never_given(source, [field.attribute for field in wanted if not field.declared])
    missing = 0
    for field in wanted:
        if field.attribute in never and not field.declared:
            missing += 1
            name = (
                getattr(source, "last_chosen", None) or getattr(source, "format", None) or getattr(source, "name", "")
            )
            others = " or ".join(sources_giving(field.attribute)) or "a plug-in"
            detail = f"{name} never reports {field.name}; read by {', '.join(_readers(ruleset, field))}"
            yield DoctorCheck(
                "fields", CheckStatus.WARN, detail, f"use a source that can: {others}; until then no rule matches"
            )
            continue
        without = [gpu for gpu in snapshot.gpus if not gpu.is_lost and _value(field, gpu) is None]
        if not without:
            continue
        missing += 1
        on = (
            "on every GPU"
            if len(without) == len(snapshot.gpus)
            else f"on GPU {', '.join(str(g.index) for g in without)}"
        )
        reasons = {reason for gpu in without if (reason := gpu.why_missing(field.attribute))}
        why = f" ({', '.join(sorted(reasons))})" if reasons else ""
        readers = _readers(ruleset, field)
        detail = f"{field.name} is missing {on}{why}; read by {', '.join(readers)}"
        yield DoctorCheck("fields", CheckStatus.WARN, detail, "a missing fact makes no rule match")
    if not missing and snapshot.gpus:
        yield DoctorCheck(
            "fields", CheckStatus.GOOD, f"this node reports all {pluralize(len(wanted), 'GPU field')} that rules read"
        )


def _value(field: Field, gpu: object) -> object:
    if field.declared:
        return getattr(gpu, "labels", {}).get(field.name)
    return getattr(gpu, field.attribute, None)


def _readers(ruleset: Ruleset, field: Field) -> list[str]:
    """Return the names of the first few rules and signals that read the field."""
    names = readers_of(ruleset, field) or ["a define or a message"]
    return names if len(names) <= _SHOWN else [*names[:_SHOWN], f"{len(names) - _SHOWN} more"]


def of_clients() -> Iterator[DoctorCheck]:
    """Check each kind of storage client: which directives it supports on this machine, which it does not, and why."""
    from gpurules.clients import all_clients  # imports every kind of client, once the first results are shown

    kinds, failed = all_clients()
    for kind in kinds:
        can = [target.label for name, target in TARGETS.items() if name in kind.capabilities]
        cannot = [target.label for name, target in TARGETS.items() if name not in kind.capabilities]
        reason = kind.unavailable()
        if reason is not None:
            yield DoctorCheck(f"client {kind.name}", CheckStatus.NOTE, f"unavailable: {reason}")
            continue
        notes: tuple[str, ...] = getattr(kind, "notes", tuple)()
        if hasattr(kind, "open"):
            notes = (
                *notes,
                f"controlled by: gpurules run --client {kind.name}={getattr(kind, 'argument', 'ARGUMENT')}",
            )
        detail_text = f"supports {', '.join(can)}" if cannot else "supports every directive"
        left = f"not {', '.join(cannot)}" if cannot else ""
        yield DoctorCheck(
            f"client {kind.name}", CheckStatus.GOOD, "; ".join(part for part in (detail_text, left, *notes) if part)
        )
    yield from _unusable("client", failed)


def of_plugins() -> Iterator[DoctorCheck]:
    """Check the plug-ins for actions and detectors; those for sources and clients are checked above."""
    from gpurules.clients.detection import DETECTORS, all_detectors

    for action in usable_actions():
        yield DoctorCheck(
            f"action {action.name}", CheckStatus.GOOD, f"a plug-in: {action.summary} ({action.kind.value})"
        )
    yield from _unusable("action", failed_plugins())
    detectors, failed = all_detectors()
    for detector in detectors:
        if detector.name not in DETECTORS:
            yield DoctorCheck(f"detector {detector.name}", CheckStatus.GOOD, "a plug-in")
    yield from _unusable("detector", failed)


def _unusable(kind: str, failed: Mapping[str, str]) -> Iterator[DoctorCheck]:
    for name, why in failed.items():
        yield DoctorCheck(
            f"{kind} {name}", CheckStatus.WARN, f"a plug-in that cannot be used: {why}", "fix or remove it"
        )


def of_actions(ruleset: Ruleset) -> Iterator[DoctorCheck]:
    """Check that this machine has what the effects of a ruleset need."""
    for rule in ruleset.rules:
        for ordered in rule.actions:
            for given in _naming_secrets(ordered.parameters) if rule.enabled else ():
                yield from _of_secret(rule.name, ordered.name, given)


def _naming_secrets(parameters: object) -> Iterator[Mapping[str, object]]:
    """Yield every object that names a secret in the parameters of an action."""
    if isinstance(parameters, Mapping):
        if "secret_env" in parameters or "secret_file" in parameters:
            yield parameters
        for value in parameters.values():
            yield from _naming_secrets(value)


def _of_secret(rule: str, action: str, given: Mapping[str, object]) -> Iterator[DoctorCheck]:
    variable, path = given.get("secret_env"), given.get("secret_file")
    if isinstance(variable, str) and not os.environ.get(variable):
        detail = f"{action} of {rule} needs {variable}, which is not in the environment"
        yield DoctorCheck("effects", CheckStatus.BROKEN, detail, "set it in the environment that starts the agent")
    if isinstance(path, str) and not os.access(path, os.R_OK):
        detail = f"{action} of {rule} needs the secret in {path}, which cannot be read"
        yield DoctorCheck("effects", CheckStatus.BROKEN, detail, "make it readable for the user of the agent")
