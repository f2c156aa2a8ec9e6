"""The only user of the module amdsmi, which ROCm installs; runs in the sampler's process.

Source: https://rocm.docs.amd.com/projects/amdsmi (Python API): memory in MiB, power in watts, clocks in MHz,
temperatures in degrees; caps of the power in microwatts.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from gpurules.model import GPU, GPUProcess, Snapshot
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.source import TelemetryError, TelemetryUnavailable

_MIB, _MHZ = 1 << 20, 10**6
_MOST_WATTS = 10_000


class AmdSmi:
    """Reads the AMD GPUs of this node through the module amdsmi."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._amdsmi: Any = None
        self.place: tuple[str, str] | None = None

    def read(self, request: PollRequest) -> Snapshot:
        """Return the driver's current readings.

        Missing: a fact whose call failed; ``GPU.missing`` says why.

        Raises:
            TelemetryUnavailable: the module is not installed.
            TelemetryError: it cannot be initialized, or does not list the GPUs.
        """
        amdsmi = self._start()
        now = self._clock()
        try:
            handles = amdsmi.amdsmi_get_processor_handles()
        except amdsmi.AmdSmiException as error:
            raise TelemetryError(f"amdsmi does not list the GPUs: {_why(error)}") from None
        gpus = tuple(_Card(amdsmi, handle, request.skipped, self).gpu(index) for index, handle in enumerate(handles))
        driver = _Card(amdsmi, handles[0], frozenset(), self).driver() if handles else None
        return Snapshot(timestamp=now, driver_version=driver, gpus=gpus)

    def _start(self) -> Any:
        if self._amdsmi is not None:
            return self._amdsmi
        try:
            import amdsmi  # type: ignore[import-not-found, unused-ignore]
        except (ImportError, OSError, KeyError) as error:  # it loads its library on import
            raise TelemetryUnavailable(f"the module amdsmi cannot be used: {error}; install ROCm") from None
        try:
            amdsmi.amdsmi_init()
        except amdsmi.AmdSmiException as error:
            raise TelemetryError(f"amdsmi cannot be initialized: {_why(error)}; is the driver amdgpu loaded?") from None
        self._amdsmi = amdsmi
        return amdsmi

    def close(self) -> None:
        """Shut the library down."""
        if self._amdsmi is not None:
            amdsmi, self._amdsmi = self._amdsmi, None
            amdsmi.amdsmi_shut_down()


class _Card:
    """One GPU while it is read."""

    def __init__(self, amdsmi: Any, handle: object, skipped: frozenset[tuple[str, str]], reader: AmdSmi) -> None:
        self._amdsmi = amdsmi
        self._handle = handle
        self._skipped = skipped
        self._reader = reader
        self._subject = "the driver"
        self.values: dict[str, Any] = {}
        self.missing: dict[str, str] = {}

    def gpu(self, index: int) -> GPU:
        """Return the card's readings."""
        self._subject = f"GPU {index}"
        uuid = self._ask("amdsmi_get_gpu_device_uuid")
        self._subject = uuid if isinstance(uuid, str) else self._subject
        asic = self._mapping("amdsmi_get_gpu_asic_info")
        self._facts()
        processes = self._processes()
        return GPU(
            index=index,
            uuid=uuid if isinstance(uuid, str) else None,
            name=name if isinstance(name := asic.get("market_name"), str) and name != "N/A" else None,
            vendor="amd",
            status="ok" if self.values else "lost",
            healthy=bool(self.values),
            mig=False,
            processes=processes or (),
            process_count=None if processes is None else len(processes),
            missing=self.missing,
            **self.values,
        )

    def driver(self) -> str | None:
        """Return the version of the driver."""
        version = self._mapping("amdsmi_get_gpu_driver_info").get("driver_version")
        return version if isinstance(version, str) else None

    def _facts(self) -> None:
        kinds, metrics, clocks = (
            getattr(self._amdsmi, name, None)
            for name in ("AmdSmiTemperatureType", "AmdSmiTemperatureMetric", "AmdSmiClkType")
        )
        vram = self._mapping("amdsmi_get_gpu_vram_usage")
        self._put("memory_total", vram.get("vram_total"), _MIB)
        self._put("memory_used", vram.get("vram_used"), _MIB)
        activity = self._mapping("amdsmi_get_gpu_activity")
        self._put("utilization", activity.get("gfx_activity"))
        self._put("memory_busy", activity.get("umc_activity"))
        now = getattr(metrics, "CURRENT", None)
        for attribute, *sensors in (("temperature", "EDGE", "HOTSPOT", "JUNCTION"), ("memory_temperature", "VRAM")):
            for sensor in (found for name in sensors if (found := getattr(kinds, name, None)) is not None):
                if attribute not in self.values:
                    self._put(attribute, self._ask("amdsmi_get_temp_metric", sensor, now))
        power = self._mapping("amdsmi_get_power_info")
        for key in ("average_socket_power", "current_socket_power", "socket_power"):
            if key in power and not self.values.get("power"):
                self._put("power", power[key])
        self._cap(self._mapping("amdsmi_get_power_cap_info").get("power_cap"))
        for attribute, domain in (("clock_sm", "GFX"), ("clock_memory", "MEM")):
            clock = self._mapping("amdsmi_get_clock_info", getattr(clocks, domain, None))
            self._put(attribute, clock.get("clk", clock.get("cur_clk")), _MHZ)
        errors = self._mapping("amdsmi_get_gpu_total_ecc_count")
        self._put("ecc_errors", errors.get("uncorrectable_count"))
        self._put("ecc_errors_corrected", errors.get("correctable_count"))

    def _cap(self, cap: object) -> None:
        """Read the power cap, which some releases report in watts."""
        if isinstance(cap, int | float) and cap > _MOST_WATTS:
            cap = cap / 10**6
        self._put("power_limit", cap)

    def _put(self, attribute: str, value: object, times: int = 1) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.values[attribute] = value * times
            self.missing.pop(attribute, None)
        else:
            self.missing.setdefault(attribute, "not supported")

    def _processes(self) -> tuple[GPUProcess, ...] | None:
        listed = self._ask("amdsmi_get_gpu_process_list")
        if not isinstance(listed, list):
            return None
        found = (process for process in listed if isinstance(process, Mapping) and isinstance(process.get("pid"), int))
        return tuple(_process(process) for process in found)

    def _mapping(self, function: str, *arguments: object) -> Mapping[str, object]:
        answer = self._ask(function, *arguments)
        return answer if isinstance(answer, Mapping) else {}

    def _ask(self, function: str, *arguments: object) -> object:
        """Call a function and return its result; None if it fails, or hung before."""
        place = self._reader.place = (function, self._subject)
        call = getattr(self._amdsmi, function, None)
        try:
            if call is None or {place, ("*", self._subject)} & self._skipped:
                return None
            answer: object = call(self._handle, *arguments)
            return answer
        except (self._amdsmi.AmdSmiException, ValueError):  # ValueError: text that is not UTF-8
            return None
        finally:
            self._reader.place = None


def _process(process: Mapping[str, Any]) -> GPUProcess:
    usage = process.get("memory_usage")
    used = usage.get("vram_mem") if isinstance(usage, Mapping) else process.get("mem")
    name = process.get("name")
    return GPUProcess(
        int(process["pid"]),
        name if isinstance(name, str) and name != "N/A" else None,
        used if isinstance(used, int) and used >= 0 else None,
        "C",
    )


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
