"""Intel GPUs through the files of the drivers xe and i915, for nodes without xpu-smi.

Source: the kernel's Documentation/ABI/testing/sysfs-driver-intel-xe-hwmon and sysfs-driver-intel-i915-hwmon.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.live.availability import Availability, try_out
from gpurules.telemetry.live.isolation.thread import InThread
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import SourceOptions, TelemetryUnavailable
from gpurules.telemetry.tracking.counter_rates import CounterRates

ROOT = Path("/sys/class/drm")
_INTEL = "0x8086"
_DRIVERS = ("xe", "i915")
_CLOCKS = ("device/tile0/gt0/freq0/act_freq", "gt/gt0/rps_act_freq_mhz", "gt_act_freq_mhz")
_NOT_REPORTED = "not reported by this driver"
_MOST_SENSORS = 8


class IntelSysfs:
    """Reads the Intel GPUs of this node from the files below *root*."""

    def __init__(
        self,
        root: Path = ROOT,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._clock = clock
        self._steady = steady
        self._rates = CounterRates()
        self._has_seen_any = False

    def read(self, request: PollRequest) -> Snapshot:
        """Return the drivers' current readings.

        Missing: what a driver or board does not report: memory and utilization always, power at the first poll.

        Raises:
            TelemetryUnavailable: there is no such GPU, and there never was.
        """
        now = self._clock()
        gpus = tuple(self._gpu(number, card) for number, card in sorted(self._cards()))
        if not gpus and not self._has_seen_any:
            raise TelemetryUnavailable(f"there is no GPU of the drivers xe or i915 in {self._root}")
        self._has_seen_any = True
        return Snapshot(timestamp=now, gpus=gpus)

    def _cards(self) -> Iterator[tuple[int, Path]]:
        for card in self._root.glob("card*"):
            number = card.name.removeprefix("card")
            if number.isdecimal() and len(number) < 6 and _text(card / "device/vendor") == _INTEL:
                driver = card / "device/driver"
                if driver.exists() and driver.resolve().name in _DRIVERS:
                    yield int(number), card

    def _gpu(self, number: int, card: Path) -> GPU:
        sensors = next(iter(sorted((card / "device/hwmon").glob("hwmon*"))), None)
        energy = _sensor(sensors, "energy", ("card", "pkg", None), 1e6)
        limit = _sensor(sensors, "power", ("card", "pkg", None), 1e6, "max")
        power, why = (None, None) if energy is None else self._rates.rate(number, "energy", energy, self._steady())
        values = {
            "temperature": _sensor(sensors, "temp", ("pkg", None), 1e3),
            "memory_temperature": _sensor(sensors, "temp", ("vram",), 1e3),
            "energy": energy,
            "power": power,
            "power_limit": limit or None,  # 0 means that the limit is disabled
            "clock_sm": next((v * 1e6 for path in _CLOCKS if (v := _number(card / path)) is not None), None),
            "memory_used": None,
            "utilization": None,
        }
        missing = {name: _NOT_REPORTED for name, value in values.items() if value is None}
        if why is not None:
            missing["power"] = why
        device, address = _text(card / "device/device"), (card / "device").resolve().name
        return GPU(
            index=number,
            name=f"Intel GPU {device}" if device else None,
            vendor="intel",
            status="ok" if any(value is not None for value in values.values()) else "degraded",
            mig=False,
            labels={"pci_bus_id": address} if ":" in address else {},
            missing=missing,
            **{name: value for name, value in values.items() if value is not None},  # type: ignore[arg-type]
        )

    def close(self) -> None:
        """Nothing is held between reads."""


def _text(path: Path) -> str | None:
    """Return the content of a file; None if it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")[:200].strip() or None
    except OSError:
        return None


def _number(path: Path) -> float | None:
    text = _text(path)
    return float(text) if text is not None and text.isdecimal() and text.isascii() and len(text) < 20 else None


def _sensor(
    folder: Path | None, kind: str, labels: tuple[str | None, ...], over: float, what: str = "input"
) -> float | None:
    """Return the first sensor of a kind with one of *labels*, best first; None means no label."""
    if folder is None:
        return None
    found: dict[str | None, float] = {}
    for number in range(1, _MOST_SENSORS + 1):
        value = _number(folder / f"{kind}{number}_{what}")
        if value is not None:
            found.setdefault(_text(folder / f"{kind}{number}_label"), value / over)
    return next((found[label] for label in labels if label in found), None)


class IntelSysfsFactory:
    """Opens ``intel-sysfs``."""

    name = "intel-sysfs"
    summary = "Intel GPUs through the files of the drivers xe and i915"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs of this node; nothing is read before it is read.

        Raises:
            TelemetryError: an option is unknown or invalid.
        """
        taken = SourceOptions.parse(self.name, argument, options)
        live = LiveOptions.take(taken)
        taken.finish()
        # in a thread, since a hung driver blocks reads of its files
        return LiveSource(self.name, InThread(IntelSysfs(ROOT), live.timeout), live.fields, live.drop_after)

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether there is such a GPU here, by reading its files; this takes at most *timeout* seconds."""
        return try_out(lambda: self.open(argument, {"timeout": timeout}))
