"""Decisions as JSON bytes: the part shared by transfers with the same matching rules is encoded once per snapshot."""

from dataclasses import asdict
from typing import NamedTuple

from gpurules.actions.action import Claim, Directive, usual_value
from gpurules.actions.decision import Basis, Decision
from gpurules.actions.targets import NEUTRAL, TARGETS, Stage
from gpurules.fields import Scope
from gpurules.language.terms import ir
from gpurules.rules.program import BoundProgram
from gpurules.service.wire.json_bytes import encode
from gpurules.service.wire.redaction import shown_match

MAX_FRAGMENTS = 4096
"""The most sets of matching rules of one snapshot that are remembered."""


def decision_data(decision: Decision) -> dict[str, object]:
    """Return a decision as ``Decision.to_dict`` does, with secrets of effects hidden."""
    return decision.to_dict() | {"matched": [shown_match(match) for match in decision.matched]}


class _Open(NamedTuple):
    """A target whose value depends on the transfer, and the text before it.

    A transfer whose patience is at least *patience* (in seconds) gets the *usual* value.
    Missing: ``usual`` None: there is none.
    """

    before: bytes
    target: str
    directive: Directive
    claims: tuple[Claim, ...]
    patience: float
    usual: bytes | None


class _Fragment(NamedTuple):
    """A decision in pieces; the basis is kept, since its id is the key. Missing: ``whole`` None: a target is open."""

    basis: Basis
    whole: bytes | None
    opened: tuple[_Open, ...]
    rest: bytes


class DecisionEncoder:
    """Writes decisions as JSON. Not thread-safe.

    The text equals that of ``Decision.to_dict``, member for member, except for the secrets of effects.
    """

    def __init__(self) -> None:
        self._origin: object = None
        self._fragments: dict[int, _Fragment | None] = {}
        self._bases: list[Basis] = []

    def encode(self, decision: Decision) -> bytes:
        """Return *decision* as JSON."""
        basis = decision._basis
        if basis.origin is not self._origin or len(self._bases) >= MAX_FRAGMENTS:
            self._origin, self._fragments, self._bases = basis.origin, {}, []
        try:
            fragment = self._fragments[id(basis)]
        except KeyError:
            fragment = self._fragments[id(basis)] = _fragment(decision)
            self._bases.append(basis)
        if fragment is None:
            return encode(decision_data(decision))
        if fragment.whole is not None:
            return fragment.whole
        created = decision._transfer.created
        age = 0.0 if created is None else max(0.0, basis.origin.timestamp - created)
        patience = max(0.0, basis.origin.limits.max_delay - age)
        pieces: list[bytes] = []
        for before, target, directive, claims, least, usual in fragment.opened:
            if usual is None or patience < least:
                usual = _value(target, directive.combine(claims, decision._situation()))
            pieces += (before, usual)
        pieces.append(fragment.rest)
        return b"".join(pieces)


def _value(target: str, value: object) -> bytes:
    """Return the JSON of the combined value of *target*, as ``Decision`` shows it."""
    known = TARGETS.get(target)
    said = value if known is None else known.read(value)
    return encode(asdict(said) if isinstance(said, Stage) else said)


def _fragment(decision: Decision) -> _Fragment | None:
    """Return the shared part of decisions like *decision*; None if they share too little."""
    basis = decision._basis
    outcome, origin = basis.outcome, basis.origin
    claimed = {directive.target: (directive, claims) for directive, claims in outcome.claims}
    extra = [target for target in (*outcome.settled, *claimed) if target not in TARGETS]
    if (
        extra
        or not isinstance(origin, BoundProgram)
        or not all(_is_alike(origin, position) for position, _ in outcome.rules)
    ):
        return None
    opened: list[_Open] = []
    text = b'{"matched":' + encode([shown_match(match) for match in decision.matched])
    for target, neutral in NEUTRAL.items():
        text += b',"' + target.encode() + b'":'
        if target in claimed:
            opened.append(_open(text, target, *claimed[target]))
            text = b""
        else:
            text += _value(target, outcome.settled.get(target, neutral))
    rest = {"snapshot_time": decision.snapshot_time, "stale": basis.stale, "ruleset_version": decision.ruleset_version}
    text += b"," + encode(rest)[1:]
    return _Fragment(basis, None if opened else text, tuple(opened), text)


def _open(before: bytes, target: str, directive: Directive, claims: tuple[Claim, ...]) -> _Open:
    """Return an open target; most directives depend only on the transfer's remaining patience."""
    found = usual_value(directive, claims)
    if found is None:
        return _Open(before, target, directive, claims, 0.0, None)
    value, patience = found
    return _Open(before, target, directive, claims, patience, _value(target, value))


def _is_alike(bound: BoundProgram, position: int) -> bool:
    """Return whether the rule at *position*, if it matches, matches on the same GPUs for every transfer.

    That holds if each part of its conjunction reads either GPUs or the transfer: parts that read the transfer are TRUE
    whenever the rule matches.
    """
    rule = bound.program.terms[position]
    if not rule.per_gpu:
        return True
    return not rule.of_workload and all(_is_of_one_kind(part) for part in _conjuncts(rule.term))


def _conjuncts(term: ir.Term) -> tuple[ir.Term, ...]:
    return tuple(part for one in term.parts for part in _conjuncts(one)) if isinstance(term, ir.And) else (term,)


def _is_of_one_kind(term: ir.Term) -> bool:
    scopes = {field.scope for field in ir.fields(term)}
    return not ir.is_per_gpu(term) or not scopes & {Scope.TRANSFER, Scope.WORKLOAD}
