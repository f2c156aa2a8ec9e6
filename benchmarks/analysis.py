"""How long the analysis of meaning takes, on rulesets that look like real ones and on hard ones.

Real ones name a tenant, a type and a threshold or two. Of the hard ones hardly a pair is settled by the facts that it
is about: all rules are about the same few. Prints CPU seconds, ratios to loading the same ruleset in the same run, and
the whole process of ``gpurules lint``, its start and its report included.
Run it with ``python benchmarks/analysis.py``, or all with ``make bench``; names of forms may be given.
"""

import random
import resource
import subprocess
import sys
import tempfile
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


def ranges(rules: int) -> str:
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


def one_shape(rules: int) -> str:
    """Return rules of one shape with rising thresholds: nearly all overlap, and every one is covered by an earlier."""
    lines = []
    for n in range(rules):
        condition = f"gpu_memory > {n % 90} AND transfer_size > {n}MB"
        lines.append(_rule(n, condition, "reduce_prefetch", f"reduction_factor: 0.{1 + n % 9}"))
    return _text(lines)


def logged(rules: int) -> str:
    """Return rules of one shape of which every one only writes to the log: none covers another, and none conflicts."""
    lines = [
        _rule(n, f"gpu_memory > {n % 90} AND transfer_size > {n}MB", "log", f"message: m{n}", 0) for n in range(rules)
    ]
    return _text(lines)


def unions(rules: int) -> str:
    """Return bands of a field, and rules across several of them, of which only all together leave nothing to say."""
    rng = random.Random(3)
    lines = []
    for n in range(rules):
        low = rng.randint(0, 900)
        high = low + (10 if n % 2 else rng.randint(5, 25))
        condition = f"transfer_size >= {low}MiB AND transfer_size < {high}MiB AND tenant == 'team-{n % 5}'"
        lines.append(_rule(n, condition, "limit_concurrency", f"max_concurrency: {1 + n % 3}"))
    return _text(lines)


def alternations(rules: int) -> str:
    """Return rules about one GPU or several: alternatives, counts and peaks, on thresholds that overlap."""
    rng = random.Random(4)
    lines = []
    for n in range(rules):
        condition = rng.choice(
            (
                f"(gpu_memory > {rng.randint(50, 95)} AND gpu_temperature > {rng.randint(60, 95)}) OR gpu_throttled",
                f"gpu_memory > {rng.randint(50, 95)} AND count(gpu_temperature > {rng.randint(60, 95)}) >= 2",
                f"max(gpu_temperature) > {rng.randint(60, 95)} AND NOT all(gpu_memory < {rng.randint(50, 95)})",
                f"any(gpu_memory > {rng.randint(50, 95)}) OR min(gpu_temperature) > {rng.randint(60, 95)}",
            )
        )
        lines.append(_rule(n, condition, "delay_transfer", f"delay: {rng.randint(1, 60)}s"))
    return _text(lines)


def texts(rules: int) -> str:
    """Return rules about paths and tenants: patterns, beginnings, endings and lists that overlap."""
    rng = random.Random(5)
    lines = []
    for n in range(rules):
        folder, team = rng.randint(0, 30), rng.randint(0, 20)
        condition = rng.choice(
            (
                f"path GLOB '/data/{folder}/*' AND tenant != 'team-{team}'",
                f"path STARTSWITH '/data/{folder}' AND tenant IN ('team-{team}', 'team-{team + 1}')",
                f"tenant STARTSWITH 'team-{team}' AND (path ENDSWITH '.pt' OR path CONTAINS 'ckpt')",
            )
        )
        lines.append(_rule(n, condition, "limit_bandwidth", f"max_bandwidth: {1 + n % 9}MB/s"))
    return _text(lines)


def rivals(rules: int) -> str:
    """Return rules of one priority that stage, hurry and hold transfers: which match at once are in conflict."""
    rng = random.Random(6)
    lines = []
    for n in range(rules):
        condition = f"gpu_memory > {rng.randint(50, 98)} AND transfer_size > {rng.randint(1, 900)}MiB"
        condition += f" AND tenant == 'team-{rng.randint(0, 40)}'"
        action = ("stage_transfer", f"staging_area: /scratch/{n}") if n % 3 else ("pause_transfer", "")
        action = ("increase_priority", "priority_boost: 5") if n % 7 == 0 else action
        lines.append(_rule(n, condition, *action, priority=0))
    return _text(lines)


FORMS: dict[str, Callable[[int], str]] = {
    "real": real,
    "ranges": ranges,
    "one shape": one_shape,
    "logged": logged,
    "unions": unions,
    "alternations": alternations,
    "texts": texts,
    "rivals": rivals,
}


def _rule(number: int, condition: str, action: str, parameters: str, priority: int | None = None) -> str:
    return (
        f'- {{name: r{number}, condition: "{condition}", action: {action}, parameters: {{{parameters}}}, '
        f"priority: {number % 100 if priority is None else priority}}}"
    )


def _text(lines: list[str]) -> str:
    return "version: 1\nname: large\nfields: {tenant: {type: string, scope: transfer}}\nrules:\n" + "\n".join(lines)


def analysed(loaded: Loaded, text: str) -> tuple[Subject, int]:
    """Run every check of meaning; return what it was run on, and how much it found."""
    findings = 0
    subject = Subject(loaded.ruleset, loaded.placed, text, None, loaded.environment)
    for check in CHECKS:
        if check.code.startswith(MEANING) and check.code in Policy().codes:
            findings += len(list(check.run(subject)))
    return subject, findings


def whole_process(text: str) -> float:
    """Return the CPU seconds of a process that lints a file with *text*: of the second, which finds all compiled."""
    with tempfile.NamedTemporaryFile("w", suffix=".rules.yaml") as file:
        file.write(text)
        file.flush()
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "gpurules", "lint", "--isolated", file.name]
            subprocess.run(command, capture_output=True, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    examine(real(5), None)
    print("rules                  load s   analysis s   ratio   not analysed   cap hit   findings   whole lint s")
    for form in sys.argv[1:] or FORMS:
        for rules in (200, 1000):
            text = FORMS[form](rules)
            start = time.process_time()
            loaded = examine(text, None)
            middle = time.process_time()
            subject, findings = analysed(loaded, text)
            end = time.process_time()
            assert subject.analysis is not None
            load, took = middle - start, end - middle
            analysis = subject.analysis
            told = f"{len(analysis.unanalysed):>12} {'yes' if analysis.is_capped else 'no':>9} {findings:>10}"
            whole = whole_process(text)
            print(f"{form:12} {rules:6,} {load:9.2f} {took:12.2f} {took / load:7.1f} {told} {whole:14.2f}")


if __name__ == "__main__":
    main()
