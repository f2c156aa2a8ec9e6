"""What a decision costs with rules about paths, from 10 rules to 10,000, every path new.

Each form of rule alone and all of them mixed; looked up, and run one by one for comparison where that is not too slow.
Matches are compared before anything is timed. All ways take turns, several rounds; times are of the processor. Printed
are medians, their ratio to 10 rules, and the least and largest ratio of any round. Run it with
``python benchmarks/paths.py``, or all with ``make bench``.
"""

import statistics
import time
from collections.abc import Callable

from results import write

import gpurules
from gpurules import GPU, Snapshot, Transfer
from gpurules.backends.facts import NO_WORKLOAD, Facts
from gpurules.backends.specialization import Specializer

SIZES, ROUNDS, EACH = (10, 100, 1000, 10_000), 9, 1000
FORMS = {
    "STARTSWITH": "path STARTSWITH '/data/team-{n}/'",
    "ENDSWITH": "path ENDSWITH '-{n}.bin'",
    "CONTAINS": "path CONTAINS '/run-{n}/'",
    "prefix glob": "path GLOB '/data/team-{n}/*'",
    "suffix glob": "path GLOB '*-{n}.bin'",
    "glob of two ends": "path GLOB '/data/team-{n}/*.bin'",
    "file_name": "file_name STARTSWITH 'part-{n}.'",
    "file_extension": "file_extension == '.x{n}'",
    "either": "(path STARTSWITH '/data/team-{n}/' OR path ENDSWITH '-{n}.pt')",
    "all but some": "path STARTSWITH '/data/team-{n}/' AND NOT path ENDSWITH '.tmp'",
}


def text(rules: int, forms: list[str]) -> str:
    """Return a ruleset of *rules* rules of *forms* in turn, each with a part that the snapshot decides."""
    lines = [
        f'- {{name: r{n}, condition: "gpu_memory > 5 AND {forms[n % len(forms)].format(n=n)}", '
        f"action: increase_priority, parameters: {{priority_boost: 1}}}}"
        for n in range(rules)
    ]
    return "version: 1\nname: paths\nrules:\n" + "\n".join(lines)


def transfers(first: int, rules: int) -> list[Transfer]:
    """Return transfers whose paths are all different, numbered from *first*."""
    return [
        Transfer(path=f"/data/team-{n * 7919 % rules}/run-{n * 104729 % rules}/part-{n}.shard-{n * 31 % rules}.bin")
        for n in range(first, first + EACH)
    ]


def timed(residual: Callable[..., int], asked: list[Transfer]) -> float:
    """Return the nanoseconds of one mask."""
    start = time.process_time_ns()
    for transfer in asked:
        residual(transfer, NO_WORKLOAD)
    return (time.process_time_ns() - start) / len(asked)


def residuals(forms: list[str]) -> dict[int, Callable[..., int]]:
    """Return what is left of rulesets of every size on one snapshot; matches compared with rules run one by one."""
    snapshot = Snapshot(timestamp=1000.0, gpus=(GPU(index=0, memory_used=60, memory_total=100),))
    facts, found = Facts(snapshot, snapshot.gpus), {}
    for rules in SIZES:
        terms = gpurules.loads(text(rules, forms)).program.terms
        _, looked_up = Specializer(terms).specialize(facts)
        assert looked_up is not None
        if rules <= 1000:
            _, run = Specializer(terms, None, 10**9).specialize(facts)
            assert run is not None
            for transfer in transfers(10**6, rules):
                assert looked_up(transfer, NO_WORKLOAD) == run(transfer, NO_WORKLOAD)
        found[rules] = looked_up
    return found


def main() -> None:
    """Print a row for each form."""
    results: dict[str, dict[int, float]] = {}
    print("ns for each transfer (x 10 rules)" + "".join(f"{rules:>16,}" for rules in SIZES) + "   smallest .. largest")
    for name, forms in {**{name: [form] for name, form in FORMS.items()}, "all, mixed": [*FORMS.values()]}.items():
        functions = residuals(forms)
        rounds: dict[int, list[float]] = {rules: [] for rules in SIZES}
        for number in range(ROUNDS):
            for rules, function in functions.items():
                rounds[rules].append(timed(function, transfers(number * EACH, rules)))
        medians = {rules: statistics.median(times) for rules, times in rounds.items()}
        ratios = [last / first for first, last in zip(rounds[SIZES[0]], rounds[SIZES[-1]], strict=True)]
        cells = "".join(f"{medians[n]:10.0f} {medians[n] / medians[SIZES[0]]:4.1f}x" for n in SIZES)
        print(f"  {name:31}{cells}   {min(ratios):.1f} .. {max(ratios):.1f}", flush=True)
        results[name] = medians
    write("paths", results)


if __name__ == "__main__":
    main()
