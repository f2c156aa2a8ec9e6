"""The generated part of the state file's reader: the mapping of columns."""

from collections.abc import Iterable

from gpurules.backends.native.identifiers import camel
from gpurules.backends.native.program import NativePlan
from gpurules.backends.native.schema import Column
from gpurules.model import Kind

_METHODS = {Kind.NUMBER: "number", Kind.STRING: "text", Kind.BOOL: "truth"}


def _reads(holder: str, columns: Iterable[Column]) -> list[str]:
    return [f"{holder}.{camel(column.identifier)} = d.{_METHODS[column.kind]}()" for column in columns]


def state_reader(planned: NativePlan) -> str:
    """Return the source of the file that fills a state from cells."""
    schema = planned.schema
    lines = [
        "package rules",
        "",
        "const (",
        f"\tschemaFingerprint = 0x{schema.fingerprint:x}",
        f"\tgpuColumns        = {len(schema.gpu)}",
        f"\tnodeColumns       = {len(schema.node)}",
        ")",
        "",
        "// decode fills the state from the cells of a state file.",
        "func (s *State) decode(d *decoder, gpus int) {",
        "\ts.Timestamp = d.number()",
        *[f"\t{line}" for line in _reads("s", schema.node)],
        "\ts.GPUs = make([]GPU, gpus)",
        "\tfor i := range s.GPUs {",
        "\t\tg := &s.GPUs[i]",
        "\t\tg.Index = d.index()",
        *[f"\t\t{line}" for line in _reads("g", schema.gpu)],
        "\t}",
        "}",
        "",
        "// boundAt returns a bound state as it is some seconds after it was published.",
        "func boundAt(state *State, bound *Bound, seconds float64) *Bound {",
        *(_aging(planned) if planned.reads_clock else ["\treturn bound"]),
        "}",
    ]
    return "\n".join([*lines, ""])


def _aging(planned: NativePlan) -> list[str]:
    name = next(camel(c.identifier) for c in planned.schema.node if c.name == "telemetry_age")
    return [
        "\tif state == nil || !(seconds > 0) {",
        "\t\treturn bound",
        "\t}",
        "\taged := *state // a rule reads how old the telemetry is, which no state can say in advance",
        f"\taged.{name} = add(aged.{name}, Float(seconds))",
        "\treturn Bind(&aged)",
    ]
