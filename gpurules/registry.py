"""Names to plug-ins: read-only registries, and the nearest name for a wrong one."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeGuard, TypeVar

from gpurules.errors import RegistrationError


class Named(Protocol):
    """Anything that a registry can hold."""

    @property
    def name(self) -> str:
        """The unique name of the plug-in."""
        ...


T = TypeVar("T", bound=Named)


def nearest(name: str, candidates: Iterable[str], count: int = 1) -> tuple[str, ...]:
    """Return up to *count* of *candidates* that *name* may have meant, best first.

    >>> nearest("gpu_temprature", ["gpu_power", "gpu_temperature"])
    ('gpu_temperature',)
    >>> nearest("zebra", ["gpu_power"])
    ()
    """
    from difflib import get_close_matches

    known = list(dict.fromkeys(candidates))
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


def probably(name: str, candidates: Iterable[str]) -> str | None:
    """Return the one of *candidates* that a wrong *name* was meant to be, or None when none or two are near.

    >>> probably("gpu_memroy", ["gpu_memory", "gpu_memory_used"])
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
                raise RegistrationError(f"two {kind}s are named {member.name!r}; give one of them another name")
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


def may_have_plugins(path: Sequence[str]) -> bool:
    """Return whether an installed distribution may offer entry points of ours; surely not where this is False.

    Nearly nobody has a plug-in, and importlib.metadata takes longer to import than it takes to look.
    """
    finders = [getattr(finder, "find_distributions", None) for finder in sys.meta_path]
    if sum(find is not None for find in finders) > 1:
        return True  # beside the folders of the path, someone else knows distributions
    for folder in map(Path, path):
        try:
            found = [entry for entry in folder.iterdir() if entry.suffix in (".dist-info", ".egg-info", ".egg")]
        except FileNotFoundError:
            continue
        except OSError:
            return True  # an archive, say
        if any(_offers(distribution) for distribution in found):
            return True
    return False


def _offers(distribution: Path) -> bool:
    """Return whether what a distribution says of itself names a group of ours."""
    for place in ("entry_points.txt", "EGG-INFO/entry_points.txt"):
        try:
            return b"[gpurules." in (distribution / place).read_bytes().replace(b" ", b"")
        except FileNotFoundError:
            continue
        except OSError:
            return not distribution.is_file()  # a lone file has no entry points
    return False


def load_plugins(group: str) -> tuple[Mapping[str, object], Mapping[str, str]]:
    """Return what installed distributions offer under an entry-point *group*: objects by name, and failures by name.

    A plug-in that can not be imported never stops the others: it is named, with its error, in the second mapping.
    """
    loaded: dict[str, object] = {}
    failed: dict[str, str] = {}
    if not may_have_plugins(sys.path):
        return loaded, failed
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=group):
        try:
            loaded[entry_point.name] = entry_point.load()
        except Exception as error:  # a plug-in's import may raise anything
            failed[entry_point.name] = f"{type(error).__name__}: {error}"
    return loaded, failed


def usable_plugins(group: str, fits: Callable[[object], TypeGuard[T]], wants: str) -> tuple[list[T], dict[str, str]]:
    """Return the plug-ins of *group* that fit, classes called, and why the others can not be used, by name.

    *wants* says what one must be; a plug-in that does not fit never stops the others.
    """
    loaded, failed = load_plugins(group)
    reasons = {name: f"can not be imported: {error}" for name, error in failed.items()}
    usable: list[T] = []
    for name, plugin in loaded.items():
        made = plugin() if isinstance(plugin, type) else plugin
        if fits(made):
            usable.append(made)
        else:
            reasons[name] = wants
    return usable, reasons
