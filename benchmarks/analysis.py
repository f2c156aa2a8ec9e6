"""How long the analysis of meaning takes, on rulesets that look like real ones and on hard ones.

Real ones name a tenant, a type and a threshold or two; of the hard ones all rules order the same, with conditions over
the same few facts, so that hardly a pair is settled by a glance. Prints times, and ratios to loading the same ruleset
in the same run. Run it with ``python benchmarks/analysis.py``, or all with ``make bench``.
"""

import random
import time
from collections.abc import Callable, Iterator

from gpurules.linter import Policy, Subject
from gpurules.linter.checks import CHECKS
from gpurules.rules import Loaded, examine

MEANING = ("GPR2", "GPR3", "GPR601", "GPR602", "GPR603")
ACTIONS = (
    ("reduce_prefetch", "reduction_factor: 0.{}"),
    ("delay_transfer", "delay: {}s"),
    ("increase_priority", "priority_boost: {}"),
    ("limit_bandwidth", "max_bandwidth: {}MB/s"),
    ("limit_concurrency", "max_concurrency: {}"),
)


def orders(rules: int) -> Iterator[tuple[int, str, str, str]]:
    """Yield rules as sites have them: a threshold, whose transfer it is, and now and then more.

    Each is its number, its condition, its action and that one's parameters.
    """
    rng = random.Random(1)
    for n in range(rules):
        parts = [
            rng.choice(
                (
                    f"gpu_memory > {rng.randint(50, 98)}",
                    f"gpu_temperature > {rng.randint(60, 95)}",
                    f"transfer_size > {rng.randint(1, 900)}MiB",
                    f"max(gpu_temperature) > {rng.randint(60, 95)}",
                    f"(gpu_memory > {rng.randint(50, 98)} OR gpu_throttled)",
                )
            ),
            rng.choice((f"tenant == 'team-{n % 40}'", f"path GLOB '/data/team-{n % 40}/*'", "active_training")),
            rng.choice(("file_type == 'model'", "file_type IN ('log', 'code')", f"hour >= {n % 20}", "TRUE")),
        ]
        condition = " AND ".join(part for part in parts if part != "TRUE")
        name, parameters = ACTIONS[n % len(ACTIONS)]
        yield n, condition, name, parameters.format(1 + n % 9)


def real(rules: int) -> str:
    """Return a ruleset as sites have them."""
    return _text([_rule(*order) for order in orders(rules)])


def hard(rules: int) -> str:
    """Return rules that all order the same, on overlapping ranges of three facts."""
    rng = random.Random(2)
    lines = []
    for n in range(rules):
        low, size = rng.randint(0, 80), rng.randint(1, 900)
        condition = (
            f"{low} < gpu_memory < {low + rng.randint(5, 20)} AND (transfer_size > {size}MiB OR gpu_temperature > "
            f"{rng.randint(60, 95)}) AND transfer_size < {size + rng.randint(1, 900)}MiB"
        )
        lines.append(_rule(n, condition, "reduce_prefetch", f"reduction_factor: 0.{rng.randint(1, 9)}"))
    return _text(lines)


def _rule(number: int, condition: str, action: str, parameters: str) -> str:
    return (
        f'- {{name: r{number}, condition: "{condition}", action: {action}, parameters: {{{parameters}}}, '
        f"priority: {number % 100}}}"
    )


def _text(lines: list[str]) -> str:
    return "version: 1\nname: large\nfields: {tenant: {type: string, scope: transfer}}\nrules:\n" + "\n".join(lines)


def analysed(loaded: Loaded, text: str) -> Subject:
    """Run every check of meaning; return what it was run on."""
    subject = Subject(loaded.ruleset, loaded.placed, text, None, loaded.environment)
    for check in CHECKS:
        if check.code.startswith(MEANING) and check.code in Policy().codes:
            list(check.run(subject))
    return subject


def main() -> None:
    """Print the table."""
    forms: dict[str, Callable[[int], str]] = {"real": real, "hard": hard}
    examine(real(5), None)
    print("rules                  load s   analysis s   ratio   not analysed   cap hit")
    for form, text_of in forms.items():
        for rules in (200, 1000):
            text = text_of(rules)
            start = time.perf_counter()
            loaded = examine(text, None)
            middle = time.perf_counter()
            analysis = analysed(loaded, text).analysis
            end = time.perf_counter()
            assert analysis is not None
            load, took = middle - start, end - middle
            told = f"{len(analysis.unanalysed):>12} {'yes' if analysis.is_capped else 'no':>9}"
            print(f"{form:12} {rules:6,} {load:9.2f} {took:12.2f} {took / load:7.1f} {told}")


if __name__ == "__main__":
    main()
