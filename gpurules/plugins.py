"""Plug-ins of installed distributions: loaded by entry point, and contained, so that none of them ends a program."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeGuard, TypeVar

from gpurules.errors import GpurulesError
from gpurules.input_files import read_input

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

P = ParamSpec("P")
R = TypeVar("R")
_MAX_ENTRY_POINTS = 1 << 20
MAX_REASON = 300
"""The most characters of an exception's own words that are repeated."""


class Named(Protocol):
    """What every plug-in has."""

    @property
    def name(self) -> str:
        """Its unique name."""
        ...


T = TypeVar("T", bound=Named)


class PluginError(GpurulesError):
    """The code of a plug-in raised something; the message names the plug-in."""


def may_have_plugins(path: Sequence[str]) -> bool:
    """Return whether an installed distribution may offer entry points of ours; surely not where this is False.

    Plug-ins are rare, and importing importlib.metadata takes longer than this check.
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
            return b"[gpurules." in read_input(distribution / place, _MAX_ENTRY_POINTS).replace(b" ", b"")
        except FileNotFoundError:
            continue
        except OSError:
            return not distribution.is_file()  # a lone file has no entry points
    return False


def reason(error: BaseException) -> str:
    """Return the type and the words of an *error* that foreign code raised, on one line.

    >>> reason(SystemExit(0))
    'SystemExit: 0'
    """
    try:
        words = " ".join(str(error).split())[:MAX_REASON]
    except KeyboardInterrupt:
        raise
    except BaseException:  # the exception is foreign code too
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def contain(
    function: Callable[P, R], whose: str, error: Callable[[str], GpurulesError] = PluginError
) -> Callable[P, R]:
    """Return *function* of a plug-in such that all it raises are errors of ours: SystemExit too becomes an *error*.

    *whose* begins the message. KeyboardInterrupt is the user's, and passes.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (KeyboardInterrupt, GpurulesError):
            raise
        except BaseException as raised:
            raise error(f"{whose} raised {reason(raised)}") from raised

    return call


@dataclass(frozen=True, slots=True)
class Shape:
    """What is used of the objects that plug-ins of one *kind* offer, and as which error their trouble is raised."""

    kind: str
    reads: tuple[str, ...]
    calls: tuple[str, ...]
    error: Callable[[str], GpurulesError] = PluginError


class Contained:
    """Wraps an object of a plug-in: what it declares is read once, and its methods are :func:`contained`.

    Raises:
        PluginError: a property that is read raises.
    """

    name: str

    def __init__(self, plugin: object, shape: Shape, name: str | None = None) -> None:
        whose = f"the {shape.kind} {name!r}"
        for attribute in (*shape.reads, *shape.calls):
            found: object = contain(_attribute, f"{whose}: its {attribute}")(plugin, attribute)
            if attribute in shape.calls and callable(found):
                found = contain(found, f"{whose}: {attribute}()", shape.error)
            if found is not None:
                setattr(self, attribute, found)


def _attribute(plugin: object, name: str) -> object:
    return getattr(plugin, name, None)


def load_plugins(group: str) -> tuple[Mapping[str, object], Mapping[str, str]]:
    """Return what installed distributions offer under an entry-point *group*: objects by name, and failures by name.

    A plug-in that cannot be imported never stops the others, whatever it raises: it is named, with its error, in the
    second mapping. Of two that have one name, the first counts.
    """
    loaded: dict[str, object] = {}
    failed: dict[str, str] = {}
    if not may_have_plugins(sys.path):
        return loaded, failed
    try:
        entry_points = _entry_points(group)
    except Exception as error:  # the metadata of some distribution is damaged
        return loaded, {group: f"{reason(error)}; python -m pip check may find the damaged distribution"}
    for entry_point in entry_points:
        name = entry_point.name
        if name in loaded or name in failed:
            failed[name] = f"its name is registered twice{_of(entry_point)}"
            continue
        try:
            loaded[name] = entry_point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an import may raise anything, SystemExit too
            failed[name] = f"{reason(error)}{_of(entry_point)}"
    return loaded, failed


def _entry_points(group: str) -> Sequence["EntryPoint"]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _of(entry_point: "EntryPoint") -> str:
    """Return the distribution of an entry point and what to do about it, as the end of a message."""
    distribution = entry_point.dist
    if distribution is None:
        return f" ({entry_point.value})"
    name = distribution.name
    return f" ({entry_point.value} of {name} {distribution.version}; update {name}, or uninstall it)"


def provider(group: str, name: str) -> str:
    """Return which distribution offers a plug-in and what to do about it, as the end of a message.

    Missing: empty where no distribution is found.
    """
    try:
        return next((_of(found) for found in _entry_points(group) if found.name == name), "")
    except Exception:  # the metadata is damaged: the message goes without
        return ""


def usable_plugins(
    group: str,
    stand_in: Callable[[object, str], object],
    fits: Callable[[object], TypeGuard[T]],
    wants: str,
    taken: Collection[str] = (),
) -> tuple[list[T], dict[str, str]]:
    """Return the plug-ins of *group* that fit, and why the others cannot be used, by the name of their entry point.

    Classes are called; what comes of it is wrapped by *stand_in*. *wants* says what a plug-in must be, and *taken*
    which names are no longer free. One that cannot be used never stops the others, whatever it raises.
    """
    loaded, failed = load_plugins(group)
    reasons = {name: f"cannot be imported: {error}" for name, error in failed.items()}
    usable: dict[str, T] = {}
    for name, plugin in loaded.items():
        try:
            offer: object = contain(plugin, "its constructor")() if isinstance(plugin, type) else plugin
            made = contain(stand_in, f"the plug-in {name!r}")(offer, name)
        except GpurulesError as error:
            reasons[name] = f"cannot be used: {error}{provider(group, name)}"
            continue
        if not fits(made):
            reasons[name] = f"{wants}{provider(group, name)}"
        elif made.name in taken or made.name in usable:
            reasons[name] = f"claims the name {made.name!r}, which is taken{provider(group, name)}"
        else:
            usable[made.name] = made
    return list(usable.values()), reasons
