"""gpurules beside other engines and beside hand-written Python: the same rules on the same inputs, in one process.

Matches are compared before anything is timed. Times are of the processor, since other processes share the machine. All
ways take turns, several rounds; what is printed are medians, their ratio to gpurules, and the least and largest ratio
of any round. ``make bench`` runs this in an environment of its own, with the peers installed.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from engines import FOUR, PEERS, Evaluator, Rule, gpurules_text, many_rules
from four_rules import BY_HAND, by_hand_with_decision, snapshots, transfers
from picture import bars

import gpurules
from gpurules import Snapshot, Transfer

ROUNDS = 9
SIZES = (10, 100, 1000, 10_000)
SHOTS, EACH = 20, 100
BUDGET_SECONDS = 0.05
"""About how long each way may run in a round; slow engines get fewer of the inputs."""

LONGEST_SECONDS = 20.0
"""An engine that would need longer than that for a size (compiling and one evaluation of a few) is left out."""

COLD = "gpurules, evaluate, each snapshot once"
"""The way in which nothing can be reused from one decision to the next."""

Timed: TypeAlias = Callable[[], float]
"""Runs once, and returns the nanoseconds of one evaluation."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one way needed for one evaluation. Units: nanoseconds; ratios are to gpurules' decision."""

    way: str
    gpus: int
    rules: int
    median: float
    ratio: float
    low: float
    high: float


def pairs(gpus: int) -> Iterator[tuple[Snapshot, Transfer]]:
    """Yield every transfer on every snapshot."""
    asked = transfers(EACH)
    return ((shot, transfer) for shot in snapshots(gpus, SHOTS) for transfer in asked)


def timed(function: Callable[[Any], object], inputs: Sequence[Any]) -> Timed:
    """Return the timing of *function* on each of *inputs*, of so many that it takes about the budget."""
    start = time.process_time()
    function(inputs[0])
    once = time.process_time() - start
    used = inputs[: max(3, min(len(inputs), int(BUDGET_SECONDS / max(once, 1e-9))))]

    def run() -> float:
        start = time.process_time_ns()
        for facts in used:
            function(facts)
        return (time.process_time_ns() - start) / len(used)

    return run


def of_gpurules(rules: Sequence[Rule], gpus: int) -> dict[str, Timed]:
    """Return the timings of gpurules: stateless, of the engine one by one, and of many at once."""
    ruleset = gpurules.load("gpurules:default") if rules is FOUR else gpurules.loads(gpurules_text(rules))
    engine, asked = gpurules.Engine(ruleset), transfers(EACH)
    latest = [time.time()]

    def evaluate(is_new: bool) -> Timed:
        known = snapshots(gpus, SHOTS)

        def run() -> float:
            shots, method = snapshots(gpus, SHOTS) if is_new else known, ruleset.evaluate
            start = time.process_time_ns()
            for shot in shots:
                for transfer in asked:
                    method(shot, transfer)
            return (time.process_time_ns() - start) / (SHOTS * EACH)

        return run

    def once() -> float:
        total, method = 0, ruleset.evaluate
        for seed in range(SHOTS):
            shots = snapshots(gpus, EACH, seed)
            start = time.process_time_ns()
            for shot, transfer in zip(shots, asked, strict=True):
                method(shot, transfer)
            total += time.process_time_ns() - start
        return total / (SHOTS * EACH)

    def observed(decide: Callable[[], object]) -> Timed:
        def run() -> float:
            total = 0
            for shot in snapshots(gpus, SHOTS):
                latest[0] = max(latest[0] + 1e-3, time.time())
                engine.observe(Snapshot(timestamp=latest[0], gpus=shot.gpus))
                decide()
                start = time.process_time_ns()
                decide()
                total += time.process_time_ns() - start
            return total / (SHOTS * EACH)

        return run

    def one_by_one() -> None:
        method = engine.decide
        for transfer in asked:
            method(transfer)

    return {
        "gpurules, decide": observed(one_by_one),
        "gpurules, decide_many": observed(lambda: engine.decide_many(asked)),
        "gpurules, evaluate": evaluate(is_new=False),
        "gpurules, evaluate, snapshots new": evaluate(is_new=True),
        COLD: once,
    }


def by_hand(gpus: int) -> dict[str, Timed]:
    """Return the timings of hand-written functions: the quickest that names rules, and one that also combines them."""
    shots, asked = snapshots(gpus, SHOTS), transfers(EACH)

    def run(function: Callable[..., object]) -> Timed:
        def timing() -> float:
            start = time.process_time_ns()
            for shot in shots:
                for transfer in asked:
                    function(shot, transfer, False)
            return (time.process_time_ns() - start) / (SHOTS * EACH)

        return timing

    named = {function: run(function) for function in BY_HAND}
    quickest = min(BY_HAND, key=lambda function: min(named[function]() for _ in range(5)))
    return {"hand-written, names": named[quickest], "hand-written, with a decision": run(by_hand_with_decision)}


def of_peers(rules: Sequence[Rule], gpus: int, left_out: set[str]) -> dict[str, Timed]:
    """Return the timings of the peers, whose matches are those of gpurules."""
    ruleset = gpurules.loads(gpurules_text(rules))
    facts_of = list(pairs(gpus))[: max(20, 20_000 // len(rules))]
    wanted = [sorted(int(name[1:]) for name in ruleset.evaluate(*pair).rules) for pair in facts_of[:20]]
    ways: dict[str, Timed] = {}
    for kind in PEERS:
        if kind.package in left_out:
            continue
        try:
            peer, start = kind(), time.process_time()
        except ImportError as error:
            print(f"  {kind.package} is not installed: {error}")
            left_out.add(kind.package)
            continue
        evaluate: Evaluator = peer.compile(rules)
        inputs = [peer.facts(*pair) for pair in facts_of]
        once = time.process_time()
        assert evaluate(inputs[0]) == wanted[0], kind.package
        now = time.process_time()
        if 10 * (once - start + 30 * (now - once)) > LONGEST_SECONDS:
            print(f"  {kind.package} is left out from here on: ten times as many rules would take it too long")
            left_out.add(kind.package)
        sample = slice(1, 20 if now - once < 0.01 else 3)
        assert [evaluate(facts) for facts in inputs[sample]] == wanted[sample], kind.package
        ways[kind.package] = timed(evaluate, inputs)
    return ways


def measured(ways: dict[str, Timed], gpus: int, rules: int, rounds: int = ROUNDS) -> list[Result]:
    """Run all *ways* in turns, and return what each needed."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    base = found["gpurules, decide"]
    results = []
    for name, values in found.items():
        ratios = [value / own for value, own in zip(values, base, strict=True)]
        ratio = statistics.median(ratios)
        results.append(Result(name, gpus, rules, statistics.median(values), ratio, min(ratios), max(ratios)))
    return results


def shown(results: Sequence[Result]) -> None:
    """Print a table."""
    print(f"{results[0].gpus} GPU(s), {results[0].rules:,} rules          ns   x decide   (smallest .. largest)")
    for r in results:
        print(f"  {r.way:36} {r.median:12,.0f} {r.ratio:10.2f}   ({r.low:.2f} .. {r.high:.2f})")


def compared(results: Sequence[Result]) -> None:
    """Print what the goals ask for: ratios to hand-written Python, and how much quicker than the others."""
    for gpus in (1, 8):
        four = {r.way: r.median for r in results if (r.gpus, r.rules) == (gpus, len(FOUR))}
        names, decision = four["hand-written, names"], four["hand-written, with a decision"]
        own, stateless = four["gpurules, decide"], four["gpurules, evaluate"]
        print(f"{gpus} GPU(s): evaluate {stateless / names:.2f} x hand-written names; decide {own / names:.2f} x, and")
        print(f"  {own / decision:.2f} x hand-written with a decision")
    peers = {kind.package for kind in PEERS}
    print("how much quicker than the other engines decide is, for each GPUs and rules: the quickest, the second")
    for gpus, rules in dict.fromkeys((r.gpus, r.rules) for r in results):
        ordered = sorted((r.ratio, r.way) for r in results if (r.gpus, r.rules) == (gpus, rules) and r.way in peers)
        ratios = ", ".join(f"{ratio:,.0f} x {way}" for ratio, way in ordered[:2])
        cold = next(r.ratio for r in results if (r.gpus, r.rules, r.way) == (gpus, rules, COLD))
        once = f"; {ordered[0][0] / cold:.1f} x evaluate, each snapshot once" if ordered else ""
        print(f"  {gpus} GPU(s), {rules:6,} rules: {ratios}{once}")


def scaled(gpus: int) -> list[Result]:
    """Measure the engine with few rules and with many, in turns, so that both meet the same machine."""
    ways = {size: of_gpurules(many_rules(size), gpus)["gpurules, decide"] for size in SIZES}
    found = [{size: way() for size, way in ways.items()} for _ in range(ROUNDS)]
    results = []
    print("the engine, in turns           ns   x 10 rules   (smallest .. largest)")
    for size in SIZES:
        ratios = [times[size] / times[SIZES[0]] for times in found]
        median = statistics.median(times[size] for times in found)
        ratio = statistics.median(ratios)
        results.append(Result("gpurules, decide, in turns", gpus, size, median, ratio, min(ratios), max(ratios)))
        print(f"  {size:6,} rules     {median:12,.0f} {ratio:12.2f}   ({min(ratios):.2f} .. {max(ratios):.2f})")
    return results


def versions() -> dict[str, str]:
    """Return the versions of all that took part."""
    found = {"python": platform.python_version(), "gpurules": version("gpurules")}
    for kind in PEERS:
        try:
            name = kind.package.partition(",")[0]
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Print the tables, and write them as JSON and as a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="the folder for peers.json and peers.svg")
    out = parser.parse_args().out
    results: list[Result] = []
    for gpus in (1, 8):
        left_out: set[str] = set()
        ways = {**by_hand(gpus), **of_gpurules(FOUR, gpus), **of_peers(FOUR, gpus, left_out)}
        results += measured(ways, gpus, len(FOUR))
        shown(results[-len(ways) :])
    left_out = set()
    for size in SIZES:
        rules = many_rules(size)
        ways = {**of_gpurules(rules, 8), **of_peers(rules, 8, left_out)}
        results += measured(ways, 8, size, rounds=3)
        shown(results[-len(ways) :])
    out.mkdir(parents=True, exist_ok=True)
    data = {"versions": versions(), "results": [asdict(result) for result in results]}
    (out / "peers.json").write_text(json.dumps(data, indent=1) + "\n")
    for gpus, name in ((1, "peers-1.svg"), (8, "peers.svg")):
        four = [(r.way, r.median) for r in results if (r.gpus, r.rules) == (gpus, 4)]
        title = f"Four rules, {gpus} GPU{'s' if gpus > 1 else ''}, one transfer: time of one decision"
        (out / name).write_text(bars(title, four))
    compared(results)
    scales = [asdict(result) for result in scaled(8)]
    (out / "peers.json").write_text(json.dumps({**data, "scale": scales}, indent=1) + "\n")


if __name__ == "__main__":
    main()
