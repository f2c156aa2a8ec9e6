"""AMD GPUs through the programs that ROCm installs: amd-smi, or rocm-smi of older releases."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from gpurules.model import Snapshot
from gpurules.telemetry.formats.amd import amd_smi, rocm_smi
from gpurules.telemetry.formats.json_documents import parse_json
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.program import ProgramReader
from gpurules.telemetry.source import TelemetryError

_FOLDERS = ("/opt/rocm/bin", "/usr/bin")


def find_program(name: str) -> str | None:
    """Return the path of ROCm's program *name*; None if it is not installed."""
    elsewhere = (str(Path(folder, name)) for folder in _FOLDERS if Path(folder, name).is_file())
    return shutil.which(name) or next(elsewhere, None)


class AmdTool(ProgramReader):
    """Reads the AMD GPUs of this node by running *binary*, whose name identifies it as amd-smi or rocm-smi.

    Units: *timeout* in seconds, for one read.
    """

    _identities: amd_smi.Identities | None = None

    def read(self, request: PollRequest) -> Snapshot:
        """Return the program's current output; it prints everything, whatever was requested.

        Raises:
            TelemetryError: it does not exist, or prints nothing that can be read.
            TelemetryTimeout: it does not end in time, and was killed.
        """
        until = self._steady() + self._timeout
        now = self._clock()
        if "rocm" in Path(self._tool.binary).name:
            report = self._run(["-a", "--json"], until)
            cards = report if isinstance(report, Mapping) else {}
            system = cards.get("system")
            driver = system.get("Driver version") if isinstance(system, Mapping) else None
            return Snapshot(
                timestamp=now,
                driver_version=driver if isinstance(driver, str) else None,
                gpus=rocm_smi.gpus_from_report(cards),
            )
        report = self._run(["metric", "--json"], until)
        gpus = amd_smi.gpus_from_metric(report, known := self._who(until))
        if any(gpu.uuid is None for gpu in gpus):
            self._identities = None  # a GPU was added since the last listing
        return Snapshot(timestamp=now, driver_version=known.driver, gpus=gpus)

    def _who(self, until: float) -> amd_smi.Identities:
        if self._identities is None:
            listed = self._run(["list", "--json"], until)
            static = self._run(["static", "--asic", "--driver", "--json"], until)
            self._identities = amd_smi.identities(listed, static)
        return self._identities

    def _run(self, arguments: list[str], until: float) -> object:
        output = self._tool.run(arguments, until)
        start = min((at for at in map(output.text.find, "[{") if at >= 0), default=0)  # warnings may precede it
        try:
            return parse_json(output.text[start:])
        except ValueError:
            raise TelemetryError(f"{self._tool.binary}: {output.complaint}") from None
