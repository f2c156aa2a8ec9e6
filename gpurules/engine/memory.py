"""What survives a restart: the state of signals and episodes, in one small file."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpurules.engine.episodes import Episode, Episodes
from gpurules.engine.signals import Signals, State
from gpurules.model.reading import finite
from gpurules.rules.rule import Rule, Signal

VERSION = 1
MAX_BYTES = 16 * 1024 * 1024


def fingerprint(signal: Signal) -> str:
    """Return what stays the same while the definition of *signal* does."""
    return hashlib.sha256(repr(signal.fingerprint).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def dump(signals: Signals, episodes: Episodes, now: float) -> dict[str, object]:
    """Return the state as JSON-ready data.

    Units: times in seconds since 1970.
    """
    return {
        "version": VERSION,
        "saved": now,
        "signals": {
            fingerprint(signal): {owner: asdict(state) for owner, state in signals.states[signal.name].items()}
            for signal in signals.ordered
        },
        "episodes": [
            [rule, transfer, episode.started, list(episode.devices), episode.suppressed]
            for (rule, transfer), episode in episodes.running.items()
        ],
        "last_start": dict(episodes.last_start),
    }


def save(path: Path, data: Mapping[str, object]) -> None:
    """Write *data* so that a reader sees the old file or the new one, never half of it.

    Raises:
        OSError: it can not be written; the old file is still there.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path, now: float, max_age_seconds: float) -> Mapping[str, Any] | None:
    """Return the state of *path*; None where there is none, it can not be read, or it is too old (or of the future)."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    saved = finite(data.get("saved")) if isinstance(data, dict) else None
    if saved is None or data.get("version") != VERSION or not 0 <= now - saved <= max_age_seconds:
        return None
    return dict(data)


def restore(data: Mapping[str, Any], signals: Signals, episodes: Episodes, rules: Mapping[str, Rule]) -> int:
    """Put the state of *data* into signals and episodes whose definition is the same; return how many signals."""
    found, count = data.get("signals"), 0
    for signal in signals.ordered:
        states = found.get(fingerprint(signal)) if isinstance(found, Mapping) else None
        if isinstance(states, Mapping):
            signals.states[signal.name] = {str(k): s for k, v in states.items() if (s := _state(v)) is not None}
            count += 1
    for entry in data.get("episodes") or ():
        if isinstance(entry, list) and len(entry) == 5 and entry[0] in rules and finite(entry[2]) is not None:
            rule, transfer, started, devices, suppressed = entry
            if (transfer is None or isinstance(transfer, str)) and isinstance(devices, list):
                episodes.running[rule, transfer] = Episode(started, tuple(devices), suppressed is True)
    last = data.get("last_start")
    if isinstance(last, Mapping):
        episodes.last_start |= {str(k): float(v) for k, v in last.items() if finite(v) is not None and k in rules}
    return count


def _state(data: object) -> State | None:
    if not isinstance(data, Mapping) or finite(data.get("known")) is None or finite(data.get("since")) is None:
        return None
    return State(
        data.get("on") is True, data["since"], data["known"], finite(data.get("streak")), finite(data.get("ending"))
    )
