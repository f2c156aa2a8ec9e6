"""Exact analysis of conditions: what they can be, proved, and shown with a snapshot and a transfer.

A decision procedure in the manner of DPLL(T). Three-valued conditions become two-valued formulas (dual-rail encoding)
over variables with finite domains (predicate abstraction); a backtracking solver, with theories for what facts have to
do with each other, finds what satisfies them; each model is turned into facts that the real evaluator confirms::

    conditions (ir.Term)
      -> domains/         AbstractVariable: a fact and the classes of its values that no condition distinguishes
      -> formulas/        Encoder: when a condition is TRUE and when FALSE, as formulas; axioms of every node
      -> solver/          Grounding, BacktrackingSolver, Theories: which domains satisfy the formulas
      -> witnesses/       concretize: a model as snapshot, transfer and workload, confirmed by the evaluator
      -> prover           Prover.ask: Sat (with a witness), Unsat, or Unknown (with the reason)
    queries               named questions: unsatisfiable, tautology, implies, disjoint, equivalent
    counterfactuals/      find_counterfactual: the smallest change of facts that flips a condition
    screening/            Screening, ScreeningIndex: cheap necessary and sufficient tests, so that most questions
                          never reach the solver

The entry point is ``Prover``; everything that other packages use is exported here, and ``queries`` is imported by name.
"""

from gpurules.proofs.counterfactuals.counterfactual import Counterfactual, find_counterfactual
from gpurules.proofs.domains.intervals import ABOVE, BELOW, Endpoint, IntervalPartition, Number, integer_endpoint
from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.proofs.formulas.assignments import Projection, hull_of, satisfying_mask
from gpurules.proofs.formulas.axioms import COUNTS, RELATED_READINGS, SignalLike
from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim, evaluate, is_not_true, is_true
from gpurules.proofs.formulas.formula import AtLeast, Atom, Conjunction, Disjunction, DualRail, Formula, support
from gpurules.proofs.prover import STEPS, Answer, Prover, Sat, Unknown, Unsat
from gpurules.proofs.screening.abstractions import Abstraction, Screening
from gpurules.proofs.screening.entailment import entails
from gpurules.proofs.screening.screening_index import ScreeningIndex
from gpurules.proofs.witnesses.minimization import minimize_witness
from gpurules.proofs.witnesses.witness import KnownFact, Witness, build_witness, format_exactly

__all__ = [
    "ABOVE",
    "BELOW",
    "COUNTS",
    "RELATED_READINGS",
    "STEPS",
    "AbstractVariable",
    "Abstraction",
    "Answer",
    "AtLeast",
    "Atom",
    "Conjunction",
    "Counterfactual",
    "Disjunction",
    "DualRail",
    "Endpoint",
    "ExpectedTruth",
    "Formula",
    "IntervalPartition",
    "KnownFact",
    "Number",
    "Projection",
    "Prover",
    "Sat",
    "ScopedCondition",
    "Screening",
    "ScreeningIndex",
    "SignalLike",
    "TruthClaim",
    "Unknown",
    "Unsat",
    "Witness",
    "build_witness",
    "entails",
    "evaluate",
    "find_counterfactual",
    "format_exactly",
    "hull_of",
    "integer_endpoint",
    "is_not_true",
    "is_true",
    "minimize_witness",
    "satisfying_mask",
    "support",
]
