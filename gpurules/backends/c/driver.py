"""The test driver of generated C: a program that decides on lines of facts, in one file with the code under test."""

from collections.abc import Iterable
from pathlib import Path

from gpurules.backends.c.spelling import literal
from gpurules.backends.c.types import TRANSFER, WORKLOAD, labels
from gpurules.backends.native.program import NativePlan

RUNTIME = Path(__file__).resolve().parent / "runtime"
_MEMBERS = {"gr_number": "number", "gr_text": "text", "gr_truth": "truth"}


def _setter(name: str, of: str, place: str, fields: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"static void gr_set_{name}(const char *name, gr_value value, void *facts) {{", f"    {of} *to = facts;"]
    for field, kind in fields:
        if kind in _MEMBERS:
            lines += [f"    if (strcmp(name, {literal(field)}) == 0) {{"]
            lines += [f"        to->{place}{field} = value.{_MEMBERS[kind]};", "    }"]
    if name == "workload":
        lines += [
            '    if (strcmp(name, "gpu") == 0 && to->facts.gpu_count < GR_MAX_GPUS) {',
            "        gr_index *index = &to->gpus[to->facts.gpu_count++];",
            "        *index = value.text.data != NULL ? (gr_index){-1, value.text} : gr_board(value.number.i);",
            "    }",
        ]
    return [*lines, "}", ""]


def driver(planned: NativePlan) -> str:
    """Return the source of the driver, which includes the generated source."""
    before, after = (RUNTIME / "driver.c").read_text(encoding="utf-8").split("static void gr_print_text", 1)
    lines = [
        "typedef struct {",
        "    gr_workload facts;",
        "    gr_index gpus[GR_MAX_GPUS];",
        "} gr_owned;",
        "",
        *_setter("transfer", "gr_transfer", "", [*TRANSFER, *labels(planned.transfer_labels)]),
        *_setter("workload", "gr_owned", "facts.", [*WORKLOAD, *labels(planned.workload_labels)]),
        "/* Fill a state from the bytes of a slot; false where it is none. */",
        "static bool gr_decode_slot(gr_state *state, const char *slot, size_t size) {",
        "    static gr_reader reader;",
        "    gr_neutral(&reader.stale);",
        "    reader.is_same = true;",
        "    reader.slot_size = size / 8 * 8;",
        "    free(reader.copy);",
        "    reader.copy = malloc(size + 8);",
        "    if (reader.copy == NULL || size < GR_FIXED_WORDS * 8) {",
        "        return false;",
        "    }",
        "    memcpy(reader.copy, slot, size);",
        "    bool is_slot = gr_take(&reader, 1);",
        "    *state = reader.state;",
        "    return is_slot;",
        "}",
        "",
    ]
    return f'#include "gr.c"\n\n{before}{chr(10).join(lines)}\nstatic void gr_print_text{after}'
