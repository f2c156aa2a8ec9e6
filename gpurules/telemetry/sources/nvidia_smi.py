"""NVIDIA GPUs through nvidia-smi: the XML of ``-q -x``, or a CSV query in polls in which that cannot be read.

Source: nvidia-smi(1); its exit codes are those of NVML.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from gpurules.logs import logger
from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.nvidia import smi_xml
from gpurules.telemetry.formats.nvidia.csv.header import read_columns, split
from gpurules.telemetry.formats.nvidia.query_fields import KNOWN, ONLY_IN_TREE, gpu_from_cells, read_text
from gpurules.telemetry.formats.nvidia.smi_tree import text_at
from gpurules.telemetry.live.isolation.tool import ToolOutput
from gpurules.telemetry.live.poll import PollRequest, SourceForm
from gpurules.telemetry.live.program import ProgramFactory, ProgramReader
from gpurules.telemetry.live.source import NodeReader
from gpurules.telemetry.source import TelemetryError

_LOGGER = logger("gpurules.telemetry")
_ELSEWHERE = ("/usr/bin/nvidia-smi", "/usr/local/nvidia/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi")
_NOT_A_FIELD = re.compile(r'Field "([^"]+)" is not a valid field to query')
_NOT_QUERIED = {
    *ONLY_IN_TREE,
    "timestamp",
    "hostname",
    "power.draw.average",
    "power.draw.instant",
    "power.limit",
}
_OLD_WORD, _NEW_WORD = "clocks_throttle_reasons.", "clocks_event_reasons."
FIELDS = ("index", "uuid", "name", "driver_version", *sorted(
    KNOWN - _NOT_QUERIED - {"index", "uuid", "name", "driver_version"} - {_NEW_WORD + "active"}
))  # fmt: skip
"""What the CSV query asks for; a field that a release does not know is left out of the next one."""
_REMEDIES = {
    9: "the NVIDIA driver is not loaded; load it with 'modprobe nvidia'",
    18: "nvidia-smi and the loaded driver are of different versions; reboot, or reload the driver's modules",
    4: "no permission to open the NVIDIA devices",
}


class NvidiaSmi(ProgramReader):
    """Reads the GPUs of this node by running nvidia-smi.

    Units: *timeout* in seconds, for one read.
    """

    _fields = FIELDS
    form: SourceForm | None = None

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current output of nvidia-smi; it prints everything, whatever was requested.

        Raises:
            TelemetryError: it does not exist, or reports that it cannot read the driver.
            TelemetryTimeout: it does not end in time, and was killed.
        """
        until = self._steady() + self._timeout
        now = self._clock()
        output = self._tool.run(["-q", "-x"], until)
        try:
            root = smi_xml.parse_output(output.text)
        except TelemetryError as error:
            if output.exit_code in _REMEDIES or _says_no_device(output):
                return self._read_csv(output, now)
            snapshot = self._by_query(now, until)  # only if the query works is the XML at fault
            form = self._read_in(SourceForm("CSV", f"nvidia-smi -q -x cannot be read ({error}): {output.complaint}"))
            return replace(snapshot, problems=(*snapshot.problems, f"nvidia-smi is read as {form}"))
        self._read_in(SourceForm("XML"))
        return Snapshot(timestamp=now, driver_version=text_at(root, "driver_version"), gpus=smi_xml.gpus_from_xml(root))

    def _read_in(self, form: SourceForm) -> SourceForm:
        """Record the form of the reading; a fallback and the return from it are logged once."""
        before, self.form = self.form, form
        is_fallback = form.name != "XML"
        if is_fallback and (before is None or before.name != form.name):
            _LOGGER.warning("nvidia-smi is read as %s; the XML is tried again at each poll", form)
        elif before is not None and before.name != form.name:
            _LOGGER.info("nvidia-smi is read as %s again", form)
        return form

    def _read_csv(self, output: ToolOutput, now: float) -> Snapshot:
        if _says_no_device(output):
            return Snapshot(timestamp=now)
        remedy = _REMEDIES.get(output.exit_code)
        raise TelemetryError(f"nvidia-smi: {output.complaint}" + (f"; {remedy}" if remedy else ""))

    def _by_query(self, now: float, until: float) -> Snapshot:
        while self._fields:
            output = self._tool.run([f"--query-gpu={','.join(self._fields)}", "--format=csv"], until)
            unknown = _NOT_A_FIELD.search(output.text) or _NOT_A_FIELD.search(output.errors)
            if unknown is None:
                return self._from_csv(output, now)
            self._fields = _drop_field(self._fields, unknown[1])
        raise TelemetryError("nvidia-smi knows none of the requested fields; is it the right program?")

    def _from_csv(self, output: ToolOutput, now: float) -> Snapshot:
        rows = [split(line) for line in output.text.splitlines() if line.strip()]
        table = read_columns(rows[0]) if rows else None
        if table is None:
            return self._read_csv(output, now)
        cells = [found for row in rows[1:] if (found := table.cells(row)) is not None]
        gpus: list[GPU] = [gpu_from_cells(found, position, table.units) for position, found in enumerate(cells)]
        driver = next((text for found in cells if (text := read_text(found, "driver_version"))), None)
        return Snapshot(timestamp=now, driver_version=driver, gpus=tuple(gpus))


def _says_no_device(output: ToolOutput) -> bool:
    return "No devices were found" in output.text + output.errors


def _drop_field(fields: tuple[str, ...], unknown: str) -> tuple[str, ...]:
    """Return *fields* without one that this release does not support; throttle reasons have an older name to try."""
    if unknown not in fields:
        return ()
    if unknown.startswith(_NEW_WORD):
        older = [_OLD_WORD + name.removeprefix(_NEW_WORD) if name.startswith(_NEW_WORD) else name for name in fields]
        return tuple(older)
    return tuple(name for name in fields if name != unknown)


class NvidiaSmiFactory(ProgramFactory):
    """Opens ``nvidia-smi`` or ``nvidia-smi:binary=/opt/bin/nvidia-smi,timeout=20``."""

    name = "nvidia-smi"
    summary = "NVIDIA GPUs through the program nvidia-smi"

    @property
    def elsewhere(self) -> Sequence[str]:
        """Where the program may be if it is not on the PATH."""
        return _ELSEWHERE

    def reader(self, binary: str, timeout: float) -> NodeReader:
        """Return the reader that runs *binary*."""
        return NvidiaSmi(binary, timeout)
