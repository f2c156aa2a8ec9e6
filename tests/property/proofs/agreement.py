"""z3 and the prover, asked the same questions: ``python -m tests.property.proofs.agreement 100000``."""

import argparse
import itertools
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import z3

from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim, is_not_true, is_true
from gpurules.proofs.prover import Answer, Prover, Sat, Unknown, Unsat
from gpurules.rules import Ruleset
from tests.factories import ruleset
from tests.property.proofs.conditions import Conditions
from tests.property.proofs.z3_semantics import Semantics

GROUP = 16
QUESTIONS = 3


@dataclass(frozen=True)
class Disagreement:
    """A question on which the two differ."""

    claims: str
    prover: Answer
    z3: str


def written(seed: int, count: int = GROUP) -> Ruleset:
    """Return a ruleset of *count* rules with random conditions, which read random signals."""
    writer = Conditions(seed)
    head = writer.signals()
    rules = (f'  - {{name: r{n}, condition: "{writer.condition()}", action: pause_transfer}}\n' for n in range(count))
    return ruleset("".join(rules), head)


def _wanted(sides: tuple[Any, Any]) -> dict[ExpectedTruth, Any]:
    """Return what each claim says of a condition that is TRUE and FALSE in these cases."""
    true, false = sides
    return {
        ExpectedTruth.TRUE: true,
        ExpectedTruth.FALSE: false,
        ExpectedTruth.UNKNOWN: z3.And(z3.Not(true), z3.Not(false)),
        ExpectedTruth.NOT_TRUE: z3.Not(true),
        ExpectedTruth.NOT_FALSE: z3.Not(false),
    }


def compared(seed: int, count: int = GROUP) -> Iterator[tuple[Disagreement | None, str]]:
    """Yield for every pair of a group what the two say of it: a disagreement or None, and the answer."""
    random_rules = written(seed, count)
    group = [(rule.text, rule.term) for rule in random_rules.rules]
    conditions = [ScopedCondition(term) for _, term in group]
    prover = Prover(conditions, random_rules.signals)
    semantics = Semantics(signals=random_rules.signals)
    wanted = [_wanted(semantics.condition(term)) for _, term in group]
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(semantics.constraints)
    for (i, first), (j, second) in combinations(enumerate(conditions), 2):
        for claims in _questions(first, second, i + j):
            answer = prover.ask(claims)
            solver.push()
            for claim in claims:
                solver.add(wanted[i if claim.condition is first else j][claim.expected])
            verdict = solver.check()
            solver.pop()
            yield _judged(
                answer, verdict, f"{claims[0].expected}: {group[i][0]}\n  {claims[1].expected}: {group[j][0]}", claims
            )


def _questions(first: ScopedCondition, second: ScopedCondition, parity: int) -> list[list[TruthClaim]]:
    """Return whether both can match, whether one implies the other, and a question about the unknown."""
    left, right = (first, second) if parity % 2 else (second, first)
    wants = (
        (ExpectedTruth.UNKNOWN, ExpectedTruth.FALSE) if parity % 3 else (ExpectedTruth.NOT_FALSE, ExpectedTruth.UNKNOWN)
    )
    return [
        [is_true(first), is_true(second)],
        [is_true(left), is_not_true(right)],
        [TruthClaim(left, wants[0]), TruthClaim(right, wants[1])],
    ]


def _judged(answer: Answer, verdict: Any, text: str, claims: list[TruthClaim]) -> tuple[Disagreement | None, str]:
    if verdict == z3.unknown:
        return None, "z3 timed out"
    match answer:
        case Unsat():
            return (Disagreement(text, answer, str(verdict)) if verdict == z3.sat else None), "impossible"
        case Sat(witness):
            agreed = verdict == z3.sat and all(claim.holds(witness.facts) for claim in claims)
            return (None if agreed else Disagreement(text, answer, str(verdict))), "possible"
        case Unknown():
            return None, "unproven"


@dataclass
class Tally:
    """What the two said of all pairs so far; a pair counts where both decided all its questions."""

    pairs: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count another one in."""
        self.pairs += other.pairs
        self.answers += other.answers
        self.disagreements += other.disagreements

    def __str__(self) -> str:
        """Show it in a line."""
        questions = f"{sum(self.answers.values()):,} questions"
        reported = ", ".join(f"{count:,} {answer}" for answer, count in sorted(self.answers.items()))
        wrong = f"{len(self.disagreements)} disagreements"
        return f"{self.pairs:,} pairs decided by both, {questions} ({reported}): {wrong}"


def tally_of(seed: int, count: int = GROUP) -> Tally:
    """Return what the two say of the pairs of one group of *count* conditions."""
    reported, tally = list(compared(seed, count)), Tally()
    for n in range(0, len(reported), QUESTIONS):
        tally.pairs += all(answer in ("possible", "impossible") for _, answer in reported[n : n + QUESTIONS])
    for disagreement, answer in reported:
        tally.answers[answer] += 1
        if disagreement is not None:
            said = f"z3 says {disagreement.z3}, the prover {disagreement.prover}"
            tally.disagreements.append(f"seed {seed}: {said}\n  {disagreement.claims}")
    return tally


def main() -> int:
    """Compare as many pairs as asked for; exit 1 where the two differ anywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    start, whole = time.monotonic(), Tally()
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for done, tally in enumerate(pool.imap(tally_of, itertools.count(options.seed)), 1):
            whole.add(tally)
            if whole.pairs >= options.pairs:
                pool.terminate()
                break
            if done % 50 == 0:
                print(f"{whole}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    print("\n".join([*whole.disagreements, f"{whole}, {time.monotonic() - start:.0f} s"]))
    return 1 if whole.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
