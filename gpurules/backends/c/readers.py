"""The generated part of the state file's reader: the mapping of columns."""

from collections.abc import Iterable

from gpurules.backends.native.program import NativePlan
from gpurules.backends.native.schema import Column
from gpurules.model import Kind

_READS = {Kind.NUMBER: "gr_cell_number", Kind.STRING: "gr_cell_text", Kind.BOOL: "gr_cell_truth"}


def _reads(holder: str, columns: Iterable[Column]) -> list[str]:
    return [f"{holder}->{column.identifier} = {_READS[column.kind]}(d);" for column in columns]


def constants(planned: NativePlan) -> str:
    """Return the constants that a reader compares with a file."""
    schema = planned.schema
    return (
        f"#define GR_FINGERPRINT UINT64_C(0x{schema.fingerprint:x})\n"
        f"#define GR_GPU_COLUMNS {len(schema.gpu)}\n#define GR_NODE_COLUMNS {len(schema.node)}\n"
    )


def state_reader(planned: NativePlan) -> str:
    """Return the source that fills a state from cells."""
    schema = planned.schema
    lines = [
        "/* Fill a state from the cells of a state file. */",
        "static void gr_decode_state(gr_state *s, gr_decoder *d, uint64_t gpus) {",
        "    s->timestamp = gr_cell_number(d);",
        *[f"    {line}" for line in _reads("s", schema.node)],
        "    s->gpus_length = (size_t)gpus;",
        "    for (size_t i = 0; i < s->gpus_length; i++) {",
        "        gr_gpu *g = &s->gpus[i];",
        "        g->index = gr_cell_index(d);",
        *[f"        {line}" for line in _reads("g", schema.gpu)],
        "    }",
        "}",
        "",
        "/* Let the bound state be as old as it is now. */",
        "static void gr_age(gr_reader *r, int64_t now) {",
        *(_aging(planned) if planned.reads_clock else ["    (void)r;", "    (void)now;"]),
        "}",
        "",
    ]
    return "\n".join(lines)


def _aging(planned: NativePlan) -> list[str]:
    name = next(column.identifier for column in planned.schema.node if column.name == "telemetry_age")
    return [
        "    if (r->is_bound && now > r->monotonic) { /* a rule reads how old the telemetry is */",
        "        gr_number published = r->state." + name + ";",
        "        r->state." + name + " = gr_add(published, gr_float((double)(now - r->monotonic) / 1e9));",
        "        gr_bind(&r->bound, &r->state);",
        "        r->state." + name + " = published; /* what is read of it has been decided */",
        "    }",
    ]
