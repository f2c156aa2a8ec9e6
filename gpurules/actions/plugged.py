"""Actions of plug-ins, contained: what they declare is read once, and whatever they raise is an ActionError."""

from collections.abc import Iterable, Mapping
from typing import TypeGuard

from gpurules.actions.action import Action, ActionError, ActionKind, Complaint, Parameters
from gpurules.errors import RegistrationError
from gpurules.plugins import Contained, Shape, contain
from gpurules.registry import did_you_mean

_SHAPE = Shape(
    "action",
    ("name", "kind", "summary", "schema", "on", "target", "neutral", "excludes", "combines", "works_on", "is_static"),
    ("check", "combine", "absorbs", "start", "change", "stop"),
    ActionError,
)
_OF_KIND = {ActionKind.DIRECTIVE: ("target", "is_static", "combine"), ActionKind.EFFECT: ("on", "start", "stop")}
CODES = ("GPR503", "GPR505", "GPR506")
"""What a check may complain of."""
WANTS = (
    "is not an action: it needs name, kind, summary, schema and check(), a directive also target, is_static and "
    "combine(), an effect on, start() and stop()"
)


class PluggedAction(Contained):
    """The action of a plug-in; what is absent of it is absent here."""

    neutral: object = None
    excludes: frozenset[str] = frozenset()
    works_on: frozenset[str] = frozenset()

    def __init__(self, action: object, entry_point: str) -> None:
        super().__init__(action, _SHAPE, entry_point)
        self.kind = _kind(getattr(self, "kind", None))
        if callable(check := getattr(self, "check", None)):
            self._check = contain(lambda given: tuple(check(given) or ()), f"{entry_point}: check()", ActionError)
            self.check = self._checked

    def _checked(self, parameters: Parameters) -> Iterable[Complaint]:
        """Return what the plug-in finds wrong with *parameters*, all of it found out now.

        Raises:
            ActionError: it raises something, or returns something else than complaints.
        """
        found = self._check(parameters)
        for one in found:
            if not isinstance(one, Complaint) or one.code not in CODES:
                raise ActionError(
                    f"{self.name}: check() returned {type(one).__name__}; return Complaints of {', '.join(CODES)}"
                )
        return found


def _kind(given: object) -> object:
    """Return the kind of an action, which may be given by its name.

    Raises:
        RegistrationError: it is a text, and not the name of a kind.
    """
    if not isinstance(given, str):
        return given
    try:
        return ActionKind(given)
    except ValueError:
        known = [kind.value for kind in ActionKind]
        hint = did_you_mean(given, known) or f"it is {' or '.join(map(repr, known))}"
        raise RegistrationError(f"its kind is {given!r}; {hint}") from None


def is_whole(offer: object) -> TypeGuard[Action]:
    """Return whether an offer has all that an action of its kind needs."""
    kind = getattr(offer, "kind", None)
    is_action = (
        isinstance(getattr(offer, "name", None), str)
        and isinstance(getattr(offer, "summary", None), str)
        and isinstance(getattr(offer, "schema", None), Mapping)
        and callable(getattr(offer, "check", None))
    )
    return is_action and isinstance(kind, ActionKind) and all(hasattr(offer, name) for name in _OF_KIND[kind])
