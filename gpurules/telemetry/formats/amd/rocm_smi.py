"""The output of ``rocm-smi -a --json`` for AMD GPUs.

Source: https://github.com/ROCm/rocm_smi_lib, python_smi_tools/rocm_smi.py; its keys differ from release to release.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpurules.model import GPU, Dimension, FactError, Snapshot
from gpurules.telemetry.formats.cells import Number, read_number, reason_of_absence
from gpurules.telemetry.formats.json_documents import documents, is_start
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

_JUNCTION, _EDGE = "Temperature (Sensor junction) (C)", "Temperature (Sensor edge) (C)"


@dataclass(frozen=True, slots=True)
class _Quantity:
    attribute: str
    dimension: Dimension
    unit: str
    keys: tuple[str, ...]


_QUANTITIES = (
    _Quantity("memory_total", Dimension.BYTES, "B", ("VRAM Total Memory (B)",)),
    _Quantity("memory_used", Dimension.BYTES, "B", ("VRAM Total Used Memory (B)",)),
    _Quantity("memory", Dimension.PERCENT, "%", ("GPU Memory Allocated (VRAM%)",)),
    _Quantity("utilization", Dimension.PERCENT, "%", ("GPU use (%)",)),
    # "memory use", as releases until 6.0 call it, is rsmi_dev_memory_busy_percent_get: the controller, not the VRAM
    _Quantity(
        "memory_busy",
        Dimension.PERCENT,
        "%",
        ("GPU Memory Read/Write Activity (%)", "GPU memory use (%)"),
    ),
    _Quantity("temperature", Dimension.CELSIUS, "C", (_EDGE, _JUNCTION)),
    _Quantity("memory_temperature", Dimension.CELSIUS, "C", ("Temperature (Sensor memory) (C)",)),
    _Quantity(
        "power",
        Dimension.WATTS,
        "W",
        ("Average Graphics Package Power (W)", "Current Socket Graphics Package Power (W)"),
    ),
    _Quantity("power_limit", Dimension.WATTS, "W", ("Max Graphics Package Power (W)",)),
    _Quantity("clock_sm", Dimension.HERTZ, "MHz", ("sclk clock speed:",)),
    _Quantity("clock_memory", Dimension.HERTZ, "MHz", ("mclk clock speed:",)),
    _Quantity("fan_speed", Dimension.PERCENT, "%", ("Fan speed (%)",)),
)
_FIRST_KEYS = ('"card', '"system"')
_NAMES = ("Device Name", "Card series", "Card Series", "Card model", "Card Model")


def _is_card(key: str) -> bool:
    return key.startswith("card") and key[4:].isdecimal() and len(key) < 10


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether a JSON object starts here with a card or the system as its first key."""
    texts = [line.text.strip() for line in head]
    at = next((at for at, text in enumerate(texts) if is_start(text)), None)
    return at is not None and "".join(texts[at : at + 4])[:4096].removeprefix("{").lstrip().startswith(_FIRST_KEYS)


def _text(card: Mapping[str, object], *keys: str) -> str | None:
    texts = (card.get(key) for key in keys)
    return next((t.strip() for t in texts if isinstance(t, str) and reason_of_absence(t) is None), None)


def _facts(card: Mapping[str, object]) -> tuple[dict[str, Number], dict[str, str]]:
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for quantity in _QUANTITIES:
        for key in quantity.keys:
            cell = card.get(key)
            if cell is None:
                continue
            value, reason = read_number(str(cell).strip("()"), quantity.dimension, quantity.unit)
            if value is not None:
                values[quantity.attribute] = int(value) if float(value).is_integer() else value
                missing.pop(quantity.attribute, None)
                break
            missing.setdefault(quantity.attribute, reason or "no value")
    if "memory_busy" not in values and card.get("Memory Activity") is not None:
        missing.setdefault("memory_busy", "Memory Activity is a counter, not a share")
    return values, missing


def gpus_from_report(report: Mapping[str, object]) -> tuple[GPU, ...]:
    """Return the GPUs of a report.

    Units: rocm-smi prints them in the keys; the temperature is that of the edge, as in its own summary.
    """
    gpus = []
    for key, card in report.items():
        if not _is_card(key) or not isinstance(card, Mapping):
            continue
        values, missing = _facts(card)
        bus = _text(card, "PCI Bus")
        gpus.append(
            GPU(
                index=int(key[4:]),
                uuid=_text(card, "Unique ID"),
                name=_text(card, *_NAMES),
                vendor="amd",
                status="ok",
                mig=False,
                labels={} if bus is None else {"pci_bus_id": bus},
                missing=missing,
                **values,  # type: ignore[arg-type]
            )
        )
    return tuple(gpus)


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield one snapshot for each report of a file, in steps of the interval, since reports have no time."""
    for number, report in documents(recording):
        if not isinstance(report, Mapping):
            recording.problem(number, "not a report of rocm-smi")
            continue
        system = report.get("system")
        try:
            yield Snapshot(
                timestamp=recording.next_time(),
                driver_version=_text(system, "Driver version") if isinstance(system, Mapping) else None,
                gpus=gpus_from_report(report),
            )
        except FactError as error:
            recording.problem(number, str(error))
