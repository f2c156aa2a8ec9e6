"""Explains which formats cannot be replayed, and what to record instead."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpurules.telemetry.formats.nvidia.csv.advice import suggest_columns
from gpurules.telemetry.formats.nvidia.csv.header import DELIMITERS, split
from gpurules.telemetry.formats.prometheus.samples import looks_like_metrics, metric_name
from gpurules.telemetry.recordings.lines import Line

QUERY = (
    "nvidia-smi --query-gpu=timestamp,index,uuid,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw "
    "--format=csv -l 5"
)
_NVIDIA = f"record {QUERY}"
_ROCM = "record rocm-smi -a --json, or gpurules record --source amd"
_VALUE = re.compile(r"[+-]?\d[\d.,:/ T-]*(?:\s*(?:%|MiB|MHz|W|C))?|\[?N/A\]?|\[?Not Supported\]?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that people try to replay: how it is recognized, what it is, and what to record instead."""

    name: str
    remedy: str
    recognizes: Callable[[str], bool]


def _found(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.MULTILINE | re.IGNORECASE)
    return lambda text: compiled.search(text) is not None


REFUSALS = (
    Refusal("the output of nvidia-smi pmon", _NVIDIA, _found(r"^# ?gpu\s+pid\s+type\b")),
    Refusal("the output of nvidia-smi dmon", _NVIDIA, _found(r"^#\s?(date\s+time\s+)?gpu\s+\w+")),
    Refusal("the table of nvidia-smi", _NVIDIA, _found(r"^\| NVIDIA-SMI \d|^\|\s+GPU\s+Name\b")),
    Refusal("the list of nvidia-smi -L", _NVIDIA, _found(r"^GPU \d+: .* \(UUID: GPU-")),
    Refusal("the output of dcgmi dmon", "record the text of dcgm-exporter, or " + QUERY, _found(r"^#\s*Entity\s")),
    Refusal("the output of rocm-smi --csv", _ROCM, _found(r"^device,.*\n.*^card\d+,|^device,(GPU|VRAM|Temp|Card)")),
    Refusal("the table of rocm-smi", _ROCM, _found(r"ROCm System Management Interface|^=+ ROCm")),
    Refusal(
        "a table of amd-smi", "record gpurules record --source amd, or amd-smi metric --json",
        _found(r"^GPU: \d+\s*$|^GPU\s+POWER\b|^\+-+\+\s*\n\| AMD-SMI"),
    ),
    Refusal(
        "the output of tegrastats of a Jetson",
        "turn it into CSV with the columns timestamp,index,utilization.gpu,memory.used,memory.total,temperature.gpu",
        _found(r"\bRAM \d+/\d+MB\b|\bGR3D_FREQ \d+%"),
    ),
    Refusal("the output of gpustat or nvitop", _NVIDIA, _found(r"^\[\d+\] .*\|\s*\d+.C,|NVITOP")),
    Refusal("a page of HTML", "save the exporter's text from /metrics, not an HTML page",
            _found(r"^\s*<(!doctype html|html)\b")),
)  # fmt: skip
"""What is recognized and refused, in the order in which it is tried."""


def why_unknown(head: Sequence[Line], known: str) -> str:
    """Return what a file is or seems to be, with a remedy; *known* are the formats that can be replayed."""
    lines = [line for line in head if line.text.strip()]
    text = "\n".join(line.text for line in lines[:64])
    for refusal in REFUSALS:
        if refusal.recognizes(text):
            return f"this is {refusal.name}, which cannot be replayed; {refusal.remedy}"
    if any(map(looks_like_metrics, lines[:64])):
        names = ", ".join(dict.fromkeys(name for line in lines if (name := metric_name(line.text))))
        return (
            f"these are metrics, but no known GPU metric is among them ({names[:160]}); scrape dcgm-exporter or "
            "nvidia_gpu_exporter, or map a metric to its standard name, as in --map gpu_temp=DCGM_FI_DEV_GPU_TEMP"
        )
    rows = [split(line.text, mark) for mark in DELIMITERS for line in lines[:1] if len(split(line.text, mark)) > 2]
    if rows and _is_values(rows[0]):
        return suggest_columns([split(line.text) for line in lines], lines[0].text)
    if rows and all(cell and not cell[:1].isdigit() for cell in rows[0]) and len(lines) > 1:
        return (
            f"unknown columns: {', '.join(rows[0])[:300]}; map columns to their standard names with --map OLD=NEW, as "
            f"in --map {rows[0][0]}=timestamp, or name all of them with --columns"
        )
    return f"unknown format: {lines[0].text[:80]!r}; these can be replayed: {known}"


def _is_values(row: Sequence[str]) -> bool:
    """Return whether most cells of a row are values, so it is not a header."""
    return 2 * sum(bool(_VALUE.fullmatch(cell)) for cell in row) >= len(row)
