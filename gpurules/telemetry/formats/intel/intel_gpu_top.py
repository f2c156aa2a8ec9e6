"""The output of ``intel_gpu_top -J``: a list of samples of one GPU, unterminated if the program was stopped.

Source: intel_gpu_top(1) of igt-gpu-tools. A sample has no time, but the length of its period.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gpurules.model import GPU, Dimension, GPUProcess, Snapshot
from gpurules.telemetry.formats.cells import Number, read_number
from gpurules.telemetry.formats.json_documents import documents
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

SHORTEST = 1.0
"""Milliseconds: a shorter period, as the first may be, has no figures yet."""
TOO_SHORT = "the sample covers less than a millisecond"


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether samples of intel_gpu_top start here."""
    text = "".join(line.text for line in head)
    return text.lstrip()[:1] in ("[", "{", ",") and '"engines"' in text and '"busy"' in text and '"frequency"' in text


def _samples(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield the lines without the brackets and commas of the list, so that each sample is a document."""
    for line in lines:
        text = line.text.rstrip()
        if text[:1] in ("[", ","):
            text = text[1:].lstrip()
        if text == "]":
            continue
        if text[:1] in ("{", "}") and text.rstrip("]").rstrip().endswith(("},", "}")):
            text = text.rstrip("]").rstrip().rstrip(",")
        yield line._replace(text=text)


def _number(group: object, key: str, dimension: Dimension, unit: str) -> tuple[Number | None, str | None]:
    if not isinstance(group, Mapping) or key not in group:
        return None, None
    said = group.get("unit")
    return read_number(str(group[key]), dimension, said if isinstance(said, str) else unit)


def _busiest(engines: object) -> tuple[Number | None, str | None]:
    """Return the share of time of the busiest engine.

    Missing: an engine does not report its share, so it might be the busiest.
    """
    if not isinstance(engines, Mapping) or not engines:
        return None, None
    loads = [_number(engine, "busy", Dimension.PERCENT, "%") for engine in engines.values()]
    shares = [share for share, _ in loads if share is not None]
    return (max(shares), None) if len(shares) == len(loads) else (None, "an engine does not report its utilization")


def _processes(clients: object) -> tuple[GPUProcess, ...] | None:
    if not isinstance(clients, Mapping):
        return None
    found = (client for client in clients.values() if isinstance(client, Mapping))
    named = ((str(client.get("pid", "")), client.get("name")) for client in found)
    return tuple(
        GPUProcess(int(pid), name if isinstance(name, str) else None)
        for pid, name in dict(named).items()
        if pid.isdecimal() and len(pid) < 12
    )


def gpu_of(sample: Mapping[str, object]) -> GPU:
    """Return the GPU that a sample describes.

    Missing: what the sample lacks; everything if it covers less than a millisecond.
    """
    length, _ = _number(sample.get("period"), "duration", Dimension.SECONDS, "ms")
    readings = {
        "utilization": _busiest(sample.get("engines")),
        "clock_sm": _number(sample.get("frequency"), "actual", Dimension.HERTZ, "MHz"),
        "power": _number(sample.get("power"), "GPU", Dimension.WATTS, "W"),
    }
    if length is not None and length * 1000 < SHORTEST:
        readings = dict.fromkeys(readings, (None, TOO_SHORT))
    processes = _processes(sample.get("clients"))
    gpu = GPU(
        index=0,
        vendor="intel",
        status="ok",
        mig=False,
        processes=processes or (),
        process_count=None if processes is None else len(processes),
        missing={attribute: why for attribute, (_, why) in readings.items() if why is not None},
    )
    return replace(gpu, **{name: value for name, (value, _) in readings.items() if value is not None})  # type: ignore[arg-type]


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield the samples; the first is at 0, each further one later by the length of its period."""
    recording.lines = _samples(recording.lines)
    time: float | None = None
    for number, sample in documents(recording):
        if not isinstance(sample, Mapping) or "engines" not in sample:
            recording.problem(number, "not a sample of intel_gpu_top: it has no engines")
            continue
        length, _ = _number(sample.get("period"), "duration", Dimension.SECONDS, "ms")
        step = recording.options.interval if length is None or length <= 0 else float(length)
        time = 0.0 if time is None else time + step
        yield Snapshot(timestamp=time, gpus=(gpu_of(sample),))
