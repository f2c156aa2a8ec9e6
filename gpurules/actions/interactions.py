"""How two actions stand to each other, as they declare it: what excludes what, what makes what needless."""

from collections.abc import Iterable

from gpurules.actions.action import Action, Claim, CombineContext, Combines, Directive, Parameters, is_directive
from gpurules.errors import GpurulesError
from gpurules.model import Transfer
from gpurules.plugins import contain

_STRONGEST = (Combines.LEAST, Combines.MOST, Combines.ANY)


def combines(action: Action) -> Combines | None:
    """Return how claims on *action* come together, None for an effect: each is carried out."""
    if not is_directive(action):
        return None
    declared = getattr(action, "combines", Combines.OWN)
    return declared if isinstance(declared, Combines) else Combines.OWN


def excludes(one: Action, other: Action) -> bool:
    """Return whether one of the actions declares that the other orders the opposite."""
    return other.name in getattr(one, "excludes", ()) or one.name in getattr(other, "excludes", ())


def works_on(action: Action) -> frozenset[str]:
    """Return the names of the fields that *action* declares to change."""
    return frozenset(getattr(action, "works_on", ()))


def can_absorb(action: Action) -> bool:
    """Return whether a claim on *action* may ever change nothing beside another one."""
    absorbing = (*_STRONGEST, Combines.FIRST, Combines.UNDECLARED)
    return is_directive(action) and (callable(getattr(action, "absorbs", None)) or combines(action) in absorbing)


def absorbs(action: Action, strong: Parameters, weak: Parameters, in_order: bool) -> bool:
    """Return whether a claim with *weak* changes nothing beside one with *strong*; an action may know by ``absorbs``.

    *in_order*: the strong one is always met first. Effects, sums and what combines in its
    own way never absorb.
    """
    policy = combines(action)
    if not is_directive(action) or policy is None:
        return False
    own = getattr(action, "absorbs", None)
    if callable(own):
        try:
            return bool(contain(own, action.name)(strong, weak, in_order))
        except GpurulesError:
            return False
    if policy in _STRONGEST:
        return not action.schema.get("properties") or _is_same(action, (strong, weak), (strong,))
    return policy in (Combines.FIRST, Combines.UNDECLARED) and in_order


def order_matters(action: Action, pair: tuple[Parameters, Parameters], situation: CombineContext) -> bool:
    """Return whether combining two equal-priority claims depends on their order."""
    if not is_directive(action):
        return False
    one, other = pair
    return _combined(action, (one, other), situation) != _combined(action, (other, one), situation)


def _is_same(action: Directive, some: Iterable[Parameters], others: Iterable[Parameters]) -> bool:
    no_transfer = CombineContext(Transfer(), 0.0, float("inf"), float("inf"))
    return _combined(action, some, no_transfer) == _combined(action, others, no_transfer)


def _combined(action: Directive, parameters: Iterable[Parameters], situation: CombineContext) -> object:
    claims = tuple(Claim("", 0, given) for given in parameters)
    try:
        return contain(action.combine, action.name)(claims, situation)
    except GpurulesError:  # what cannot be determined is not reported
        return None
