"""The types of a generated Go package: GPUs, the state, transfers and workloads."""

from collections.abc import Iterable, Sequence

from gpurules.backends.native.identifiers import camel
from gpurules.backends.native.program import NativePlan
from gpurules.backends.native.schema import Column
from gpurules.fields import Field
from gpurules.model import Kind

KINDS = {Kind.NUMBER: "Number", Kind.STRING: "Text", Kind.BOOL: "Truth"}
TRANSFER = (
    ("ID", "Text"), ("Path", "Text"), ("Size", "Number"), ("Priority", "Number"), ("Operation", "Text"),
    ("Created", "Number"), ("Duration", "Number"), ("FileType", "Text"), ("Framework", "Text"),
)  # fmt: skip
"""The fields of every transfer."""
WORKLOAD = (
    ("ID", "Text"), ("Type", "Text"), ("Priority", "Number"), ("GPUs", "[]Index"), ("MemoryFootprint", "Number"),
    ("AccessPattern", "Text"), ("IOThroughput", "Number"), ("BatchSize", "Number"), ("EpochTime", "Number"),
    ("Framework", "Text"), ("Started", "Number"),
)  # fmt: skip
"""The fields of every workload."""


def align_columns(rows: Sequence[tuple[str, str]], indent: str = "\t") -> list[str]:
    """Return names and types aligned in columns, as gofmt does."""
    width = max([len(name) for name, _ in rows], default=0)
    return [f"{indent}{name.ljust(width)} {kind}" for name, kind in rows]


def struct(name: str, comment: Iterable[str], rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return the declaration of a struct."""
    return [*[f"// {line}" for line in comment], f"type {name} struct {{", *align_columns(rows), "}", ""]


def _columns(columns: Iterable[Column]) -> list[tuple[str, str]]:
    return [(camel(column.identifier), KINDS[column.kind]) for column in columns]


def labels(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """Return the declared fields of a transfer or workload as names and types."""
    return [(camel("label_" + field.name), KINDS[field.datatype.kind]) for field in fields]


def types(plan: NativePlan) -> list[str]:
    """Return the declarations of all facts."""
    schema = plan.schema
    return [
        *struct("GPU", ["GPU is what the rules read of one GPU."], [("Index", "Index"), *_columns(schema.gpu)]),
        *struct(
            "State",
            [
                "State is what the rules read of a node at one time: GPUs, facts of the node, signals and windows.",
                "Timestamp is in seconds since 1970. All other units are canonical: bytes, percent, celsius, watts.",
            ],
            [("Timestamp", "Number"), ("GPUs", "[]GPU"), *_columns(schema.node)],
        ),
        *struct(
            "Transfer",
            [
                "Transfer is a transfer between storage and this node; what is not known stays zero, which is missing.",
                "Size is in bytes, Created in seconds since 1970, Duration (expected) in seconds.",
            ],
            [*TRANSFER, *labels(plan.transfer_labels)],
        ),
        *struct(
            "Workload",
            ["Workload is the job that a transfer serves; GPUs are those that are known to be its own."],
            [*WORKLOAD, *labels(plan.workload_labels)],
        ),
    ]
