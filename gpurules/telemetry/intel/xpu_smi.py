"""Intel GPUs through the program xpu-smi.

Source: https://github.com/intel/xpumanager (doc/smi_user_guide.md).
"""

from collections.abc import Mapping, Sequence

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.intel import xpu_smi
from gpurules.telemetry.formats.json_documents import parse_json
from gpurules.telemetry.live.isolation.tool import ToolOutput
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.program import ProgramFactory, ProgramReader
from gpurules.telemetry.live.source import NodeReader
from gpurules.telemetry.source import TelemetryError
from gpurules.telemetry.tracking.gpu_tracker import mark_lost

_ELSEWHERE = ("/usr/bin/xpu-smi", "/usr/local/bin/xpu-smi", "/opt/intel/xpum/bin/xpu-smi")
_NO_DEVICE = ("no device discovered", "no device found", "no devices found")
_DRIVER_FAILED = "initialization error"
_REMEDY = "is the driver (xe or i915) loaded, is Level Zero installed, and is the user in the groups render and video?"
Json = Mapping[str, object]


class XpuSmi(ProgramReader):
    """Reads the Intel GPUs of this node by running xpu-smi.

    Units: *timeout* in seconds, for one read.
    """

    _known: tuple[tuple[Json, Json], ...] | None = None

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current output of xpu-smi; it prints everything, whatever was requested.

        A GPU that it no longer reports is lost, and all are listed again at the next read.

        Raises:
            TelemetryError: it does not exist, or cannot read the driver.
            TelemetryTimeout: it does not end in time, and was killed.
        """
        until = self._steady() + self._timeout
        now = self._clock()
        if self._known is None:
            self._known = self._discover(until)
        known = self._known
        gpus = tuple(self._gpu(device, detail, until) for device, detail in known)
        if not gpus or any(gpu.is_lost for gpu in gpus):
            self._known = None
        return Snapshot(timestamp=now, driver_version=xpu_smi.driver_of(detail for _, detail in known), gpus=gpus)

    def _discover(self, until: float) -> tuple[tuple[Json, Json], ...]:
        report, output = self._run(["discovery", "-j"], until)
        complaint = _complaint(report, output)
        if any(words in complaint.lower() for words in _NO_DEVICE):
            return ()
        if report is None or "error" in report or "device_list" not in report:
            raise TelemetryError(f"{self._tool.binary}: {complaint}; {_REMEDY}")
        return tuple((device, self._detail(device, until)) for device in xpu_smi.devices(report))

    def _detail(self, device: Json, until: float) -> Json:
        report, _ = self._run(["discovery", "-d", str(device["device_id"]), "-j"], until)
        return report if report is not None and "error" not in report else {}

    def _gpu(self, device: Json, detail: Json, until: float) -> GPU:
        report, output = self._run(["stats", "-d", str(device["device_id"]), "-j"], until)
        if report is not None and "error" not in report:
            return xpu_smi.gpu_of(device, detail, report)
        complaint = _complaint(report, output)
        if _DRIVER_FAILED in complaint.lower():
            self._known = None
            raise TelemetryError(f"{self._tool.binary}: {complaint}; {_REMEDY}")
        return mark_lost(xpu_smi.gpu_of(device, {}, {}), complaint)

    def _run(self, arguments: list[str], until: float) -> tuple[Json | None, ToolOutput]:
        output = self._tool.run(arguments, until)
        start, end = output.text.find("{"), output.text.rfind("}")  # warnings may surround it
        try:
            report = parse_json(output.text[start : end + 1]) if 0 <= start < end else None
        except ValueError:
            report = None
        return (report if isinstance(report, Mapping) else None), output


def _complaint(report: Json | None, output: ToolOutput) -> str:
    error = report.get("error") if report is not None else None
    return error[:300] if isinstance(error, str) and error else output.complaint


class XpuSmiFactory(ProgramFactory):
    """Opens ``xpu-smi`` or ``xpu-smi:binary=/opt/bin/xpu-smi,timeout=20``."""

    name = "xpu-smi"
    summary = "Intel GPUs through the program xpu-smi"

    @property
    def elsewhere(self) -> Sequence[str]:
        """Where the program may be if it is not on the PATH."""
        return _ELSEWHERE

    def reader(self, binary: str, timeout: float) -> NodeReader:
        """Return the reader that runs *binary*."""
        return XpuSmi(binary, timeout)
