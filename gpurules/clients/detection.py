"""Detects file type and framework from sibling files, the process name and plug-ins."""

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeGuard

from gpurules.engine import Engine
from gpurules.engine.effects.events import fields_read
from gpurules.errors import GpurulesError
from gpurules.fields.detection import detect_file_type, detect_framework
from gpurules.logs import logger
from gpurules.model import Transfer
from gpurules.plugins import Contained, Shape, contain, usable_plugins
from gpurules.registry import Registry
from gpurules.rules import Ruleset

_LOGGER = logger("gpurules.clients")
UNKNOWN = "unknown"
WANTED = frozenset({"file_type", "framework"})
MOST_NAMES = 1000
"""At most this number of names in a folder is looked at."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence about a file: its path, the names in its folder, and the name of the process.

    Missing: no ``siblings`` if the folder cannot be listed; ``process`` empty.
    """

    path: str
    siblings: frozenset[str] = frozenset()
    process: str = ""


@dataclass(frozen=True, slots=True)
class Detected:
    """What a detector found. Missing: None if it is inconclusive."""

    file_type: str | None = None
    framework: str | None = None


NOTHING = Detected()


class Detector(Protocol):
    """Detects the type of a file from evidence. Pure and fast: it is called at each opening."""

    @property
    def name(self) -> str:
        """Its unique name."""
        ...

    def detect(self, evidence: Evidence) -> Detected:
        """Return what *evidence* shows."""
        ...


class SuffixDetector:
    """Detects by suffix and path, as conditions do without a detector."""

    name = "suffix"

    def detect(self, evidence: Evidence) -> Detected:
        """Return what *evidence* shows."""
        kind, framework = detect_file_type(evidence.path), detect_framework(evidence.path)
        return Detected(kind if kind != UNKNOWN else None, framework if framework != UNKNOWN else None)


_FOLDERS: Mapping[str, Detected] = {
    "model.safetensors.index.json": Detected("model", "huggingface"),
    "pytorch_model.bin.index.json": Detected("model", "huggingface"),
    "generation_config.json": Detected("model", "huggingface"),
    "dataset_info.json": Detected("dataset", "huggingface"),
    "saved_model.pb": Detected("model", "tensorflow"),
    "manifest.ocdbt": Detected("model", "jax"),
    "_CHECKPOINT_METADATA": Detected("model", "jax"),
    "mds.index.json": Detected("dataset", "pytorch"),
}
"""What a name in a folder says about the files next to it.

Source: the layouts that Transformers, datasets, TensorFlow and Orbax write.
"""


class DirectoryDetector:
    """Detects by files in the same folder, such as ``model.safetensors.index.json``."""

    name = "directory"

    def detect(self, evidence: Evidence) -> Detected:
        """Return what *evidence* shows."""
        return next((found for name, found in _FOLDERS.items() if name in evidence.siblings), NOTHING)


_PROCESSES = {"torchrun": "pytorch", "deepspeed": "pytorch", "vllm": "huggingface", "transformers-cli": "huggingface"}


class ProcessDetector:
    """Detects the framework by the name of the program that reads."""

    name = "process"

    def detect(self, evidence: Evidence) -> Detected:
        """Return what *evidence* shows."""
        return Detected(framework=_PROCESSES.get(evidence.process.lower()))


DETECTORS: Registry[Detector] = Registry("detector", (SuffixDetector(), DirectoryDetector(), ProcessDetector()))
"""The detectors that ship, in the order in which they are asked."""


def _is_detector(plugin: object) -> TypeGuard[Detector]:
    return isinstance(getattr(plugin, "name", None), str) and callable(getattr(plugin, "detect", None))


def _stand_in(plugin: object, entry_point: str) -> object:
    return Contained(plugin, Shape("detector", ("name",), ("detect",)), entry_point)


@cache
def all_detectors() -> tuple[tuple[Detector, ...], Mapping[str, str]]:
    """Return the detectors of plug-ins, then the shipped ones, and why some plug-ins cannot be used, by name.

    Plug-ins register under the entry point group ``gpurules.detectors``. Unusable ones are logged once.
    """
    wants = "is not a detector: it needs a name and detect()"
    usable, reasons = usable_plugins("gpurules.detectors", _stand_in, _is_detector, wants, DETECTORS.names)
    for name, why in reasons.items():
        _LOGGER.warning("the detector %s %s", name, why)
    return (*usable, *DETECTORS), reasons


def detect(evidence: Evidence, detectors: Collection[Detector] | None = None) -> Detected:
    """Return the first file type and the first framework that any of *detectors* finds; one that fails finds nothing.

    >>> detect(Evidence("/m/shard.bin", frozenset({"model.safetensors.index.json"})))
    Detected(file_type='model', framework='huggingface')
    """
    found = NOTHING
    for detector in all_detectors()[0] if detectors is None else detectors:
        try:
            detected = contain(detector.detect, "detect()")(evidence)
            found = Detected(found.file_type or detected.file_type, found.framework or detected.framework)
        except (GpurulesError, AttributeError):  # a detector may be foreign code
            _LOGGER.debug("the detector %r failed", detector.name, exc_info=True)
            continue
        if found.file_type and found.framework:
            break
    return found


def siblings(path: str) -> frozenset[str]:
    """Return the names in the folder of the local file *path*, at most a thousand; none if it cannot be listed.

    A folder is listed again when it has changed: a job opens many files of one.
    """
    folder = Path(path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))
    try:
        return _names(folder, folder.stat().st_mtime_ns)
    except OSError:
        return frozenset()


@lru_cache(maxsize=64)
def _names(folder: Path, _changed: int) -> frozenset[str]:
    with os.scandir(folder) as entries:
        return frozenset(entry.name for entry in islice(entries, MOST_NAMES))


def with_detected_facts(
    transfer: Transfer,
    overrides: tuple[tuple[str, str], ...] = (),
    *,
    wanted: frozenset[str] = WANTED,
    beside: str | None = None,
) -> Transfer:
    """Return *transfer* with the detected type and framework, if neither it nor its path gives them.

    *wanted* are those of the two fields that rules read; the others are not detected. *overrides* are the
    ``file_types`` of the ruleset, which take precedence. *beside* is the local file whose folder is read.
    """
    if transfer.path is None:
        return transfer
    lacks_type = not transfer.file_type and detect_file_type(transfer.path, overrides) == UNKNOWN
    if not (("file_type" in wanted and lacks_type) or ("framework" in wanted and not transfer.framework)):
        return transfer
    near = frozenset() if beside is None else siblings(beside)
    found = detect(Evidence(transfer.path, near, Path(sys.argv[0] if sys.argv else "").name))
    kind = found.file_type if lacks_type else transfer.file_type
    return replace(transfer, file_type=kind, framework=transfer.framework or found.framework)


class Detection:
    """Completes the transfers that an engine decides on, by the fields that its rules read. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: tuple[Ruleset | None, frozenset[str]] = (None, frozenset())

    def complete(self, transfer: Transfer, beside: str | None = None) -> Transfer:
        """Return *transfer* with what detectors find; *beside* is the local file whose folder is read."""
        ruleset, (known, wanted) = self._engine.ruleset, self._read
        if known is not ruleset:
            wanted = WANTED & {field.name for field in fields_read(ruleset)}
            self._read = ruleset, wanted
        return with_detected_facts(transfer, ruleset.file_types, wanted=wanted, beside=beside) if wanted else transfer
