"""The driver of a generated Go package: a program that decides on lines of JSON."""

import re
from collections.abc import Iterable
from pathlib import Path

from gpurules.backends.go.snapshots import snapshot_source
from gpurules.backends.go.spelling import literal
from gpurules.backends.go.types import TRANSFER, WORKLOAD, aligned
from gpurules.backends.native.identifiers import camel
from gpurules.backends.native.program import Plan
from gpurules.fields import Field
from gpurules.model import Kind

RUNTIME = Path(__file__).resolve().parent / "runtime" / "driver"
_READS = {Kind.NUMBER: "number", Kind.STRING: "text", Kind.BOOL: "truth"}
_SIGNED = frozenset({"Priority", "Created", "Started"})
_KEYS = {
    "ID": "id", "Path": "path", "Size": "size", "Priority": "priority", "Operation": "operation",
    "Created": "created", "Duration": "duration", "FileType": "file_type", "Framework": "framework", "Type": "type",
    "MemoryFootprint": "memory_footprint", "AccessPattern": "access_pattern", "IOThroughput": "io_throughput",
    "BatchSize": "batch_size", "EpochTime": "epoch_time", "Started": "started", "GPUs": "gpu_devices",
}  # fmt: skip


def _read(name: str, kind: str) -> str:
    key = literal(_KEYS[name])
    if kind == "[]Index":
        return f"indexes(given[{key}])"
    if kind == "Text":
        return f"text(given[{key}])"
    return f"{'number' if name in _SIGNED else 'positive'}(given[{key}])"


def _facts(kind: str, fields: Iterable[tuple[str, str]], labels: Iterable[Field]) -> list[str]:
    rows = [(f"{name}:", f"{_read(name, of)},") for name, of in fields]
    labels = list(labels)
    rows += [
        (f"{camel('label_' + field.name)}:", f"{_READS[field.datatype.kind]}(labels[{literal(field.name)}]),")
        for field in labels
    ]
    lines = [f"func {kind.lower()}Of(given object) *rules.{kind} {{"]
    lines += ['\tlabels := mapping(given["labels"])'] if labels else []
    return [*lines, f"\treturn &rules.{kind}{{", *aligned(rows, "\t\t"), "\t}", "}", ""]


def driver(planned: Plan, module: str) -> dict[str, str]:
    """Return the files of the driver by their names, for the package of *module*."""
    lines = [
        "package main",
        "",
        'import "rules"',
        "",
        "// ruleActions are the actions of each rule, as JSON.",
        "var ruleActions = [...]string{",
        *[f"\t{literal(rule.actions)}," for rule in planned.program.rules],
        "}" if planned.program.rules else "",
        "",
        *_facts("Transfer", TRANSFER, planned.transfer_labels),
        *_facts("Workload", WORKLOAD, planned.workload_labels),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    if not planned.program.rules:
        text = text.replace("var ruleActions = [...]string{\n\n", "var ruleActions = [...]string{}\n")
    files = {
        "driver/main.go": (RUNTIME / "main.go").read_text(encoding="utf-8"),
        "driver/facts.go": text,
        "driver/snapshot.go": snapshot_source(planned),
    }
    imported = f'"{module}"' if module == "rules" else f'rules "{module}"'
    return {name: re.sub(r'(?<!\w)"rules"', imported, source) for name, source in files.items()}
