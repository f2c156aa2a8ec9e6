"""Generates the matrix of features and back ends by trying each feature on each back end."""

from collections.abc import Callable, Mapping

from gpurules.backends import ExplainBackEnd, Facts, PythonBackEnd, RuleTerm
from gpurules.backends.backend import BackEnd, UnsupportedError
from gpurules.backends.c import CBackEnd
from gpurules.backends.go import GoBackEnd
from gpurules.backends.native import NativeProgram, NativeRule
from gpurules.backends.promql import PromqlBackEnd
from gpurules.language import Checked, Environment, parse
from gpurules.language.terms import ir
from gpurules.model import GPU, Snapshot, Transfer, Workload

FEATURES: Mapping[str, str] = {
    "comparison of numbers": "gpu_memory > 80 AND transfer_size <= 100MiB",
    "chain, BETWEEN, IN": "70 <= gpu_memory < 90 OR transfer_priority BETWEEN 1 AND 5 OR file_type IN ('model', 'log')",
    "integers beyond 2^53": "transfer_size > 9007199254740993",
    "arithmetic": "gpu_memory_used + transfer_size > 80% * gpu_memory_total",
    "rounding, least, greatest, coalesce": "round(gpu_power) > least(100W, coalesce(gpu_power_limit, 90W))",
    "IS MISSING": "gpu_power IS MISSING OR transfer_size IS NOT MISSING",
    "CONTAINS, STARTSWITH, ENDSWITH": "path CONTAINS 'a' AND path STARTSWITH '/m' AND path ENDSWITH '.pt'",
    "GLOB with a constant": "path GLOB '*/[a-m]*.pt'",
    "GLOB with a text of the transfer": "path GLOB file_name",
    "MATCHES": "path MATCHES '(?i)/ckpt-[0-9]+'",
    r"MATCHES with \B": r"path MATCHES '\\Bpt'",
    r"MATCHES with a class of Unicode, such as \p{L}": r"path MATCHES '\\p{L}'",
    "lower, upper, length": "lower(path) == 'a' OR upper(path) == 'B' OR length(path) > 5",
    "file type, framework, extension": "file_type == 'model' AND framework == 'jax' AND file_extension == '.pt'",
    "any, all, count": "any(gpu_memory > 80) OR all(gpu_healthy) OR count(gpu_throttled) >= 2",
    "max, min, avg, sum": "max(gpu_memory) > 90 OR avg(gpu_power) > 200W OR sum(gpu_memory_free) < 1GiB",
    "windows": "max_over_time(gpu_temperature[1m]) > 85C",
    "increase, deriv, changes": "increase(gpu_xid[1m]) > 5 OR deriv(gpu_power[1m]) > 1 OR changes(gpu_xid[1m]) > 1",
    "facts of the workload": "workload_type == 'training' AND batch_size > 8",
    "time of day": "time_of_day >= 22:00 OR weekday == 'sun'",
}
"""What each back end is asked to say, by what it is an example of."""


def _checked(text: str) -> Checked:
    return Environment().condition(parse(text))


def _evaluates(back_end: BackEnd) -> Callable[[Checked], None]:
    gpu = GPU(index=0, memory_used=90, memory_total=100, power=300)
    snapshot = Snapshot(timestamp=1_767_225_600.0, gpus=(gpu,))
    job = Workload(type="training", batch_size=9)

    def ask(condition: Checked) -> None:
        constants = [term.value for term in ir.walk(condition.term) if isinstance(term, ir.Constant)]
        size = max([2**20, *(value for value in constants if isinstance(value, int))])
        transfer = Transfer(path="/m/a.pt", size=size, priority=2, created=1_767_225_000.0)
        facts = Facts(snapshot, snapshot.gpus, transfer, job)
        back_end.evaluate(condition.term, condition.per_gpu, facts)

    return ask


def _emits(back_end: GoBackEnd | CBackEnd) -> Callable[[Checked], None]:
    def ask(condition: Checked) -> None:
        rule = NativeRule("rule", "", "", RuleTerm(condition.term, condition.per_gpu))
        back_end.check(NativeProgram("support", "", (rule,)))

    return ask


def _writes(back_end: PromqlBackEnd) -> Callable[[Checked], None]:
    def ask(condition: Checked) -> None:
        back_end.emit(condition.term, condition.per_gpu)

    return ask


def _back_ends() -> dict[str, Callable[[Checked], None]]:
    from gpurules.backends.columnar import ColumnarBackEnd  # imports NumPy

    return {
        "python": _evaluates(PythonBackEnd()),
        "explain": _evaluates(ExplainBackEnd()),
        "columnar": _evaluates(ColumnarBackEnd()),
        "go": _emits(GoBackEnd()),
        "c": _emits(CBackEnd()),
        "promql": _writes(PromqlBackEnd()),
    }


def matrix_page() -> str:
    """Return the page: a table of features and back ends, followed by the reasons for the gaps."""
    back_ends = _back_ends()
    names = list(back_ends)
    lines = ["# Back ends", "", _INTRODUCTION, "", f"| what | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    reasons: list[str] = []
    for feature, text in FEATURES.items():
        cells = []
        for name in names:
            try:
                back_ends[name](_checked(text))
                cells.append("yes")
            except UnsupportedError as error:
                cells.append("no")
                reasons.append(f"- **{name}**, {feature}: {error}.")
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "## Why not", "", *reasons, "", _REST, ""])


_INTRODUCTION = (
    "One checked condition, several back ends, one meaning. `python` and `explain` decide and explain in the engine; "
    "`columnar` goes through recordings; `go` and `c` are [compiled into clients](compiled-rules.md); `promql` becomes "
    "[Prometheus rules](prometheus.md). A condition that a back end cannot express is an error that names the rule, "
    "never a different meaning; `gpurules build --check` and `gpurules export` list it."
)
_REST = (
    "`promql` reads the metrics of the agent here; other exporters have fewer. For `go` and `c` the agent computes "
    "signals, windows and the time of day, and publishes them in the [state file](state-file.md). Actions of plug-ins "
    "cannot be carried out by compiled clients; effects stay with the agent."
)
