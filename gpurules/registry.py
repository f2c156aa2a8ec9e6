"""Names to plug-ins: read-only registries, and the nearest name for a wrong one."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from gpurules.errors import RegistrationError


class Named(Protocol):
    """Anything that a registry can hold."""

    @property
    def name(self) -> str:
        """The unique name of the plug-in."""
        ...


T = TypeVar("T", bound=Named)


_MANY = 300
"""Of more candidates than these only some are compared letter by letter: those that begin or end most like a name."""
_BESIDE = 60


@lru_cache(maxsize=8)
def _sorted_both_ways(known: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    forward = sorted((name.lower(), name) for name in known)
    return forward, sorted((lower[::-1], name) for lower, name in forward)


def _neighbors(lower: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the members of *known* that stand nearest to a name in order of their letters, from either end."""
    found: dict[str, None] = {}
    for ordered, key in zip(_sorted_both_ways(known), (lower, lower[::-1]), strict=True):
        place = bisect_left(ordered, (key, ""))
        found |= dict.fromkeys(name for _, name in ordered[max(0, place - _BESIDE) : place + _BESIDE])
    return tuple(found)


def nearest(name: str, candidates: Iterable[str], count: int = 1) -> tuple[str, ...]:
    """Return up to *count* of *candidates* that *name* may have meant, best first.

    >>> nearest("gpu_temprature", ["gpu_power", "gpu_temperature"])
    ('gpu_temperature',)
    >>> nearest("zebra", ["gpu_power"])
    ()
    """
    from difflib import get_close_matches

    known = tuple(dict.fromkeys(candidates))
    if len(known) > _MANY:
        known = _neighbors(name.lower(), known)
    folded: dict[str, list[str]] = {}
    for candidate in known:
        folded.setdefault(candidate.lower(), []).append(candidate)
    best = [
        original
        for close in get_close_matches(name.lower()[:200], folded, n=count, cutoff=0.6)
        for original in folded[close]
    ]
    return tuple(best[:count])


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """Return the hint ``did you mean 'x'?`` for a wrong *name*, or None when nothing is near.

    A second candidate is named only where it is about as near as the first.

    >>> did_you_mean("gpu_memroy", ["gpu_memory", "gpu_memory_used"])
    "did you mean 'gpu_memory'?"
    """
    close = _near(name, candidates)
    return f"did you mean {' or '.join(repr(c) for c in close)}?" if close else None


def unambiguous_match(name: str, candidates: Iterable[str]) -> str | None:
    """Return the one of *candidates* that a wrong *name* was meant to be, or None when none or two are near.

    >>> unambiguous_match("gpu_memroy", ["gpu_memory", "gpu_memory_used"])
    'gpu_memory'
    """
    close = _near(name, candidates)
    return close[0] if len(close) == 1 else None


def _near(name: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the nearest of *candidates*, and a second one where it is about as near."""
    from difflib import SequenceMatcher

    close = nearest(name, candidates, 2)
    if len(close) == 2:
        first, second = (SequenceMatcher(None, name.lower(), other.lower()).ratio() for other in close)
        close = close if second > first - 0.05 else close[:1]
    return close


class Registry(Generic[T]):
    """A read-only mapping of names to plug-ins of one *kind*.

    Raises:
        RegistrationError: two members claim one name.
    """

    def __init__(self, kind: str, members: Iterable[T] = ()) -> None:
        self.kind = kind
        self._members: dict[str, T] = {}
        for member in members:
            if member.name in self._members:
                raise RegistrationError(f"two {kind}s are named {member.name!r}; rename one of them")
            self._members[member.name] = member

    def __iter__(self) -> Iterator[T]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def get(self, name: str) -> T | None:
        """Return the member of that *name*, or None."""
        return self._members.get(name)

    def __getitem__(self, name: str) -> T:
        """Return the member of that *name*.

        Raises:
            RegistrationError: there is none; the message offers the nearest names.
        """
        try:
            return self._members[name]
        except KeyError:
            hint = did_you_mean(name, self._members)
            raise RegistrationError(f"no {self.kind} is named {name!r}" + (f"; {hint}" if hint else "")) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in order of registration."""
        return tuple(self._members)

    def with_members(self, members: Iterable[T]) -> "Registry[T]":
        """Return a registry that has *members* too."""
        return Registry(self.kind, (*self, *members))
