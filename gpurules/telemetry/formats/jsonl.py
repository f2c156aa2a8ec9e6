"""The native recording format: JSON Lines, one snapshot per line."""

from collections.abc import Iterator, Sequence

from gpurules.model import FactError, Snapshot
from gpurules.telemetry.formats.json_documents import parse_json
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether the first line is a complete JSON object, and not a rocm-smi report."""
    first = next((line.text.strip() for line in head if line.text.strip()), "")
    if not first.startswith("{"):
        return False
    try:
        data = parse_json(first)
    except ValueError:
        return first != "{" and '"gpus"' in first
    return isinstance(data, dict) and ("gpus" in data or "timestamp" in data)


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield the snapshots; any other line is reported as a problem and skipped."""
    for line in recording.lines:
        if not line.text.strip():
            continue
        try:
            data = parse_json(line.text)
            if isinstance(data, dict) and data.get("timestamp") is None:
                data["timestamp"] = recording.next_time()
            yield Snapshot.from_dict(data)
        except FactError as error:
            recording.problem(line.number, str(error))
        except ValueError as error:
            recording.problem(line.number, f"not JSON: {error}")
