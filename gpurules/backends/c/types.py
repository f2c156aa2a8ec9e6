"""The types of a generated C header: GPUs, the state, transfers, workloads and decisions."""

from collections.abc import Iterable, Sequence

from gpurules.backends.c.spelling import literal
from gpurules.backends.native.identifiers import Identifiers
from gpurules.backends.native.program import NativePlan
from gpurules.backends.native.schema import Column
from gpurules.fields import Field
from gpurules.model import Kind

KINDS = {Kind.NUMBER: "gr_number", Kind.STRING: "gr_text", Kind.BOOL: "gr_truth"}
TRANSFER = (
    ("id", "gr_text"), ("path", "gr_text"), ("size", "gr_number"), ("priority", "gr_number"),
    ("operation", "gr_text"), ("created", "gr_number"), ("duration", "gr_number"), ("file_type", "gr_text"),
    ("framework", "gr_text"),
)  # fmt: skip
"""The fields of every transfer."""
WORKLOAD = (
    ("id", "gr_text"), ("type", "gr_text"), ("priority", "gr_number"), ("gpus", "const gr_index *"),
    ("gpu_count", "size_t"), ("memory_footprint", "gr_number"), ("access_pattern", "gr_text"),
    ("io_throughput", "gr_number"), ("batch_size", "gr_number"), ("epoch_time", "gr_number"),
    ("framework", "gr_text"), ("started", "gr_number"),
)  # fmt: skip
"""The fields of every workload."""


def struct(name: str, comment: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return the declaration of a struct."""
    fields = [f"    {kind}{'' if kind.endswith('*') else ' '}{field};" for field, kind in rows]
    return [f"/* {comment} */", "typedef struct {", *fields, f"}} {name};", ""]


def _columns(columns: Iterable[Column]) -> list[tuple[str, str]]:
    return [(column.identifier, KINDS[column.kind]) for column in columns]


def labels(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """Return the declared fields of a transfer or workload as names and types."""
    return [(f"label_{field.name.lower()}", KINDS[field.datatype.kind]) for field in fields]


def constants(planned: NativePlan) -> list[str]:
    """Return the constants of a program: its name, its version, and the rules."""
    program, count, names = planned.program, len(planned.rules), Identifiers()
    for taken in ("GR_RULE_COUNT", "GR_RULE_WORDS"):
        names.claim(taken)
    rules = [names.claim(f"GR_RULE_{rule.identifier.upper()}") for rule in planned.rules]
    return [
        "/* The ruleset, and a hash of what it says. */",
        f"#define GR_RULESET {literal(program.name)}",
        f"#define GR_VERSION {literal(program.version)}",
        "",
        "/* The rules, the weightiest first. */",
        f"#define GR_RULE_COUNT {count}",
        f"#define GR_RULE_WORDS {max(1, -(-count // 64))}",
        *(["enum {", *[f"    {name}," for name in rules], "};"] if rules else []),
        "",
    ]


def types(planned: NativePlan) -> list[str]:
    """Return the declarations of all facts."""
    schema = planned.schema
    state = [("timestamp", "gr_number"), ("gpus_length", "size_t"), ("gpus[GR_MAX_GPUS]", "gr_gpu")]
    return [
        "/* More GPUs than that are not read. */",
        "#define GR_MAX_GPUS 256",
        "",
        *struct("gr_gpu", "What the rules read of one GPU.", [("index", "gr_index"), *_columns(schema.gpu)]),
        *struct(
            "gr_state",
            "What the rules read of a node at one time; timestamp is in seconds since 1970, all units are canonical.",
            [*_columns(schema.node), *state],
        ),
        *struct(
            "gr_transfer",
            "A transfer between storage and this node; what is not known stays zero, which is missing.",
            [*TRANSFER, *labels(planned.transfer_labels)],
        ),
        *struct(
            "gr_workload",
            "The job that a transfer serves; gpus are those that are known to be its own.",
            [*WORKLOAD, *labels(planned.workload_labels)],
        ),
    ]


def bound_state_type(planned: NativePlan) -> list[str]:
    """Return the declaration of a bound state."""
    held = [(f.name, "gr_truth" if f.gives == "truth" else "gr_number") for f in planned.output.held.values()]
    rows = [("state", "const gr_state *"), ("open", "gr_rules"), ("start", "gr_decision"), ("settled", "gr_decision")]
    comment = "A state with everything decided that does not depend on the transfer; the state must live as long."
    return struct("gr_bound", comment, [*rows, *held])
