"""Random conditions of the fragment that the prover decides."""

from collections.abc import Callable
from random import Random

_PERCENTS = ("gpu_memory", "gpu_utilization")
_COUNTED = ("gpu_process_count", "gpu_ecc_errors")
_REALS = ("gpu_power", "gpu_power_limit")
_WINDOWS = (
    "max_over_time(gpu_power[1m])", "min_over_time(gpu_power[1m])", "max_over_time(gpu_power[5m])",
    "min_over_time(gpu_power[5m])", "avg_over_time(gpu_power[1m])",
)  # fmt: skip
_COMPARATORS = ("<", "<=", ">", ">=", "==", "!=")
_THRESHOLDS = ("0", "10", "10.5", "50", "80", "90", "100")
_COUNTS = ("0", "1", "2", "3", "7")


class Conditions:
    """Writes conditions at random; the same seed gives the same ones. They may read the signals that they have."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._signals: tuple[str, ...] = ()
        self._node_signals: tuple[str, ...] = ()

    def _pick(self, *options: str) -> str:
        return self._random.choice(options)

    def signals(self) -> str:
        """Return the signals of a ruleset, which conditions read from now on: of each GPU and of the node."""
        lines = [
            self._signal("hot", self._plain_leaf),
            self._signal("held", self._plain_leaf, ", for: 10s"),
            self._signal("kept", self._plain_leaf, ", keep_for: 10s"),
            self._signal("busy", self._ambient_leaf),
            self._signal("again", lambda: self._pick("busy", "NOT busy", self._ambient_leaf())),
        ]
        self._signals, self._node_signals = ("hot", "held", "kept"), ("busy", "again")
        return "signals:\n" + "".join(lines)

    def _signal(self, name: str, leaf: Callable[[], str], timers: str = "") -> str:
        start = f"({leaf()}) {self._pick('AND', 'OR')} ({leaf()})" if self._random.random() < 0.5 else leaf()
        until = f', until: "{leaf()}"' if self._random.random() < 0.5 else ""
        return f'  {name}: {{condition: "{start}"{until}{timers}}}\n'

    def _ambient_leaf(self) -> str:
        """Return a leaf about the node, which a signal may read."""
        return self._pick("active_training", f"pending_transfers {self._pick(*_COMPARATORS)} {self._pick(*_COUNTS)}")

    def condition(self, depth: int = 2) -> str:
        """Return a condition."""
        return self._bool(depth, self._gpu_leaf)

    def _bool(self, depth: int, leaf) -> str:  # type: ignore[no-untyped-def]
        if depth == 0 or self._random.random() < 0.2:
            return leaf() if self._random.random() < 0.7 else self._node_leaf()
        kind = self._random.random()
        if kind < 0.15:
            return f"NOT ({self._bool(depth - 1, leaf)})"
        parts = [f"({self._bool(depth - 1, leaf)})" for _ in range(self._random.choice((2, 2, 3)))]
        return (" AND " if kind < 0.6 else " OR ").join(parts)

    def _number(self) -> str:
        """Return a number whose arithmetic does not round: z3 counts in reals, the language in doubles."""
        field = self._pick(*_PERCENTS)
        other = self._pick(*_PERCENTS)
        return self._pick(
            field, field, field, f"{field} * 2", f"{field} / 4", f"-{field}", f"round({field})",
            f"least({field}, {other})", f"greatest({field}, {other})", f"coalesce({field}, {other})",
            f"coalesce({field}, 50)", "gpu_temperature + 10", "100 - gpu_temperature", "abs(gpu_temperature - 50)",
        )  # fmt: skip

    def _compared(self, number: str, around: str) -> str:
        """Return a comparison of a number with a constant: a quotient not with 0, which the least doubles round to."""
        thresholds = _THRESHOLDS[1:] if "/" in number else _THRESHOLDS
        return f"{around.format(number)} {self._pick(*_COMPARATORS)} {self._pick(*thresholds)}"

    def _number_leaf(self) -> str:
        if self._random.random() < 0.6:
            return self._compared(self._number(), "{}")
        if self._random.random() < 0.4:
            left, right = self._pick(*_REALS), self._pick(*_REALS)
            return f"{left} {self._pick(*_COMPARATORS)} {right}"
        if self._random.random() < 0.4:
            return f"{self._pick(*_COUNTED)} + 2 {self._pick(*_COMPARATORS)} {self._pick(*_COUNTED)}"
        return self._pick(
            f"{self._pick(*_COUNTED)} {self._pick(*_COMPARATORS)} {self._pick(*_COUNTS)}",
            f"{self._pick(*_REALS)} {self._pick(*_COMPARATORS)} {self._pick('100', '300.5')}",
            f"{self._pick(*_COUNTED)} IN (0, 2, 3)",
            f"{self._pick(*_PERCENTS)} BETWEEN 10 AND 80",
            f"{self._pick(*_WINDOWS)} {self._pick(*_COMPARATORS)} {self._pick('100', '300.5')}",
            f"{self._pick('gpu_temperature', 'gpu_memory_temperature')} - gpu_memory_temperature "
            f"{self._pick(*_COMPARATORS)} {self._pick('0', '5')}",
        )

    def _plain_leaf(self) -> str:
        """Return a leaf about one GPU, without aggregates."""
        if self._random.random() < 0.7:
            return self._number_leaf()
        if self._signals and self._random.random() < 0.6:
            return self._pick(*self._signals)
        return self._pick(
            "gpu_throttled", "gpu_mig", "gpu_memory IS MISSING", "gpu_throttled IS MISSING", "gpu_healthy",
            "(gpu_memory > 80) IS MISSING", "gpu_throttled == gpu_mig", "coalesce(gpu_throttled, gpu_mig)",
        )  # fmt: skip

    def _gpu_leaf(self) -> str:
        return self._plain_leaf() if self._random.random() < 0.75 else self._aggregate()

    def _aggregate(self) -> str:
        inner = self._bool(1, self._plain_leaf)
        if not any(word in inner for word in ("gpu_",)):
            inner = "gpu_throttled"
        number = self._compared(self._number(), self._pick("max({})", "min({})"))
        counted = f"count({inner}) {self._pick(*_COMPARATORS)} {self._pick('0', '1', '2')}"
        return self._pick(f"any({inner})", f"all({inner})", counted, number, number)

    def _node_leaf(self) -> str:
        if self._node_signals and self._random.random() < 0.3:
            return self._pick(*self._node_signals)
        return self._pick(
            "active_training",
            "NOT active_training",
            f"pending_transfers {self._pick(*_COMPARATORS)} {self._pick(*_COUNTS)}",
            f"file_type {self._pick('==', '!=')} {self._pick(*_FILE_TYPES)}",
            "file_type IN ('model', 'tensor')",
            "file_type IS MISSING",
            f"transfer_size {self._pick(*_COMPARATORS)} {self._pick('1MiB', '1GiB', '0')}",
            f"transfer_size {self._pick(*_COMPARATORS)} memory_footprint",
            self._text_leaf(),
        )

    def _text_leaf(self) -> str:
        """Return a test of one text, by all that the language has but MATCHES."""
        return self._pick(
            f"workload_id {self._pick('==', '!=')} {self._pick(*_WORDS)}",
            f"workload_id IN ({self._pick(*_WORDS)}, {self._pick(*_WORDS)})",
            f"workload_id {self._pick('STARTSWITH', 'ENDSWITH', 'CONTAINS')} {self._pick(*_WORDS)}",
            f"workload_id GLOB {self._pick(*_GLOBS)}",
            "workload_id IS MISSING",
        )


_FILE_TYPES = ("'model'", "'dataset'", "'tensor'")
_WORDS = ("'a'", "'b'", "'ab'", "'ba'", "'aba'")
_GLOBS = ("'a*'", "'*b'", "'?'", "'a?b*'", "'[ab]*a'", "'[!a]*'", "'*b*a'", "'b[!b]'")
