"""How long the analysis of meaning takes, on rulesets that look like real ones and on hard ones.

Real ones name a tenant, a type and a threshold or two. Of the hard ones hardly a pair is settled by the facts that it
is about: all rules are about the same few. Prints CPU seconds, ratios to loading the same ruleset in the same run, and
the whole process of ``gpurules lint``, its start and its report included.
Run it with ``python benchmarks/analysis.py``, or all with ``make bench``; names of forms may be given.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from load import compiled, process

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


class Order(NamedTuple):
    """What one rule says. Missing: ``priority`` None: it goes by the rule's number."""

    condition: str
    action: str
    parameters: str
    priority: int | None = None


Form: TypeAlias = Callable[[random.Random, int], Order]
"""What the rule of a number says, drawn at random."""


def real(rng: random.Random, n: int) -> Order:
    """Return a rule as sites have them: a threshold, whose transfer it is, and now and then more."""
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
    name, parameters = ACTIONS[n % len(ACTIONS)]
    return Order(" AND ".join(part for part in parts if part != "TRUE"), name, parameters.format(1 + n % 9))


def ranges(rng: random.Random, n: int) -> Order:
    """Return one of the rules that all order the same, on overlapping ranges of three facts."""
    low, size = rng.randint(0, 80), rng.randint(1, 900)
    condition = (
        f"{low} < gpu_memory < {low + rng.randint(5, 20)} AND (transfer_size > {size}MiB OR gpu_temperature > "
        f"{rng.randint(60, 95)}) AND transfer_size < {size + rng.randint(1, 900)}MiB"
    )
    return Order(condition, "reduce_prefetch", f"reduction_factor: 0.{rng.randint(1, 9)}")


def one_shape(rng: random.Random, n: int) -> Order:
    """Return a rule of one shape with a rising threshold: nearly all overlap, and an earlier one covers it."""
    condition = f"gpu_memory > {n % 90} AND transfer_size > {n}MB"
    return Order(condition, "reduce_prefetch", f"reduction_factor: 0.{1 + n % 9}")


def logged(rng: random.Random, n: int) -> Order:
    """Return a rule of that shape which only writes to the log: none covers another, and none conflicts."""
    return Order(f"gpu_memory > {n % 90} AND transfer_size > {n}MB", "log", f"message: m{n}", 0)


def unions(rng: random.Random, n: int) -> Order:
    """Return a band of a field, or a rule across several, which only together cover everything."""
    low = rng.randint(0, 900)
    high = low + (10 if n % 2 else rng.randint(5, 25))
    condition = f"transfer_size >= {low}MiB AND transfer_size < {high}MiB AND tenant == 'team-{n % 5}'"
    return Order(condition, "limit_concurrency", f"max_concurrency: {1 + n % 3}")


def alternations(rng: random.Random, n: int) -> Order:
    """Return a rule about one GPU or several: alternatives, counts and peaks, on thresholds that overlap."""
    condition = rng.choice(
        (
            f"(gpu_memory > {rng.randint(50, 95)} AND gpu_temperature > {rng.randint(60, 95)}) OR gpu_throttled",
            f"gpu_memory > {rng.randint(50, 95)} AND count(gpu_temperature > {rng.randint(60, 95)}) >= 2",
            f"max(gpu_temperature) > {rng.randint(60, 95)} AND NOT all(gpu_memory < {rng.randint(50, 95)})",
            f"any(gpu_memory > {rng.randint(50, 95)}) OR min(gpu_temperature) > {rng.randint(60, 95)}",
        )
    )
    return Order(condition, "delay_transfer", f"delay: {rng.randint(1, 60)}s")


def texts(rng: random.Random, n: int) -> Order:
    """Return a rule about paths and tenants: patterns, beginnings, endings and lists that overlap."""
    folder, team = rng.randint(0, 30), rng.randint(0, 20)
    condition = rng.choice(
        (
            f"path GLOB '/data/{folder}/*' AND tenant != 'team-{team}'",
            f"path STARTSWITH '/data/{folder}' AND tenant IN ('team-{team}', 'team-{team + 1}')",
            f"tenant STARTSWITH 'team-{team}' AND (path ENDSWITH '.pt' OR path CONTAINS 'ckpt')",
        )
    )
    return Order(condition, "limit_bandwidth", f"max_bandwidth: {1 + n % 9}MB/s")


def rivals(rng: random.Random, n: int) -> Order:
    """Return one of the rules of one priority that stage, hurry and hold: which match at once are in conflict."""
    condition = f"gpu_memory > {rng.randint(50, 98)} AND transfer_size > {rng.randint(1, 900)}MiB"
    condition += f" AND tenant == 'team-{rng.randint(0, 40)}'"
    action = ("stage_transfer", f"staging_area: /scratch/{n}") if n % 3 else ("pause_transfer", "")
    action = ("increase_priority", "priority_boost: 5") if n % 7 == 0 else action
    return Order(condition, *action, priority=0)


FORMS: dict[str, tuple[Form, int]] = {
    "real": (real, 1),
    "ranges": (ranges, 2),
    "one shape": (one_shape, 0),
    "logged": (logged, 0),
    "unions": (unions, 3),
    "alternations": (alternations, 4),
    "texts": (texts, 5),
    "rivals": (rivals, 6),
}
"""Each form with the seed that its rules are drawn by."""


def orders(form: str, rules: int) -> Iterator[Order]:
    """Yield the given number of rules of *form*."""
    order, seed = FORMS[form]
    rng = random.Random(seed)
    return (order(rng, n) for n in range(rules))


def ruleset_of(form: str, rules: int) -> str:
    """Return a ruleset with the given number of rules of *form*."""
    head = "version: 1\nname: large\nfields: {tenant: {type: string, scope: transfer}}\nrules:\n"
    return head + "\n".join(_rule(n, order) for n, order in enumerate(orders(form, rules)))


def _rule(number: int, order: Order) -> str:
    priority = number % 100 if order.priority is None else order.priority
    return (
        f'- {{name: r{number}, condition: "{order.condition}", action: {order.action}, '
        f"parameters: {{{order.parameters}}}, priority: {priority}}}"
    )


def analyze(loaded: Loaded, text: str) -> tuple[Subject, int]:
    """Run every check of meaning; return what it was run on, and how much it found."""
    findings = 0
    subject = Subject(loaded.ruleset, loaded.placed, text, None, loaded.environment)
    for check in CHECKS:
        if check.code.startswith(MEANING) and check.code in Policy().codes:
            findings += len(list(check.run(subject)))
    return subject, findings


def whole_process(text: str) -> float:
    """Return the CPU seconds of a process that lints a file with *text*."""
    with tempfile.NamedTemporaryFile("w", suffix=".rules.yaml") as file:
        file.write(text)
        file.flush()
        return process("-m", "gpurules", "lint", "--isolated", file.name, check=False) / 1000


def main() -> None:
    """Print the table."""
    compiled()
    examine(ruleset_of("real", 5), None)
    print("rules                  load s   analysis s   ratio   not analyzed   cap hit   findings   whole lint s")
    for form in sys.argv[1:] or FORMS:
        for rules in (200, 1000):
            text = ruleset_of(form, rules)
            start = time.process_time()
            loaded = examine(text, None)
            middle = time.process_time()
            subject, findings = analyze(loaded, text)
            end = time.process_time()
            assert subject.analysis is not None
            load, took = middle - start, end - middle
            analysis = subject.analysis
            columns = f"{len(analysis.unanalyzed):>12} {'yes' if analysis.is_capped else 'no':>9} {findings:>10}"
            whole = whole_process(text)
            print(f"{form:12} {rules:6,} {load:9.2f} {took:12.2f} {took / load:7.1f} {columns} {whole:14.2f}")


if __name__ == "__main__":
    main()
