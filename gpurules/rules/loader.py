"""Files to rulesets: everything that is wrong is found at once, and nothing half right is loaded."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gpurules.actions import Action, default_actions
from gpurules.diagnostics import DiagnosedError, Diagnostic, Location, Severity, diagnostic_at
from gpurules.gc_pause import gc_paused
from gpurules.language import Environment
from gpurules.registry import Registry
from gpurules.rules.building.expression import Placed
from gpurules.rules.building.ruleset_builder import RulesetBuilder
from gpurules.rules.building.soundness import sound_parts
from gpurules.rules.files.bounds import PathBounds
from gpurules.rules.files.merge import Merger, read_file
from gpurules.rules.rule import Rule, Settings, Signal
from gpurules.rules.ruleset import Ruleset
from gpurules.strict_json import canonical


class RulesetError(DiagnosedError):
    """A ruleset is wrong; ``diagnostics`` says all that is."""


@dataclass(slots=True)
class Loaded:
    """What a file came to, with the expressions in it, and the names that they use.

    Missing: ``ruleset`` is None where there are errors, ``environment`` where the file could not be read; ``sound`` has
    the rules and signals that no error is in, where there are errors.
    """

    ruleset: Ruleset | None
    diagnostics: tuple[Diagnostic, ...] = ()
    placed: tuple[Placed, ...] = ()
    environment: Environment | None = None
    sound: Ruleset | None = None


def examine(
    data: bytes | str,
    path: str | None,
    actions: Registry[Action] | None = None,
    read: Callable[[str], bytes] = read_file,
    bounds: PathBounds | None = None,
) -> Loaded:
    """Load the ruleset file of *data*, with all that is wrong about it; *read* reads its bases.

    *bounds* are the folders that bases may be in, by default those of *path*.
    """
    merger = Merger(read, bounds)
    with gc_paused():
        return _examined(data, path, actions or default_actions(), merger)


def _examined(data: bytes | str, path: str | None, actions: Registry[Action], merger: Merger) -> Loaded:
    merger.add(data, path)
    builder = RulesetBuilder(merger.merged, actions)
    rules, signals, settings = builder.build()
    problems = tuple(sorted(distinct([*merger.problems, *builder.problems]), key=lambda d: d.place))
    is_sound = not any(d.severity is Severity.ERROR for d in problems)
    if not is_sound:
        rules, signals = sound_parts(merger.merged, rules, signals, problems)
    rules = tuple(sorted(rules, key=lambda rule: -rule.priority))
    ruleset = Ruleset(
        merger.merged.name,
        rules,
        MappingProxyType(signals),
        settings,
        _version(rules, signals, settings, builder),
        merger.merged.description,
        MappingProxyType(builder.declared),
        builder.file_types,
        MappingProxyType(builder.inputs),
        problems,
        path,
        tuple(merger.merged.files),
        MappingProxyType(builder.mentioned),
    )
    parts = (problems, tuple(builder.placed), builder.environment)
    return Loaded(ruleset, *parts) if is_sound else Loaded(None, *parts, ruleset)


def distinct(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return findings each once: what several rules share, by an anchor, is one mistake at one place."""
    seen: dict[object, Diagnostic] = {}
    for d in found:
        seen.setdefault((d.code, d.message, d.path, d.line, d.column), d)
    return list(seen.values())


def _version(
    rules: tuple[Rule, ...], signals: Mapping[str, Signal], settings: Settings, builder: RulesetBuilder
) -> str:
    """Return a hash of what a ruleset says; the layout of the files does not count."""
    content = {
        "rules": [
            [
                r.name,
                " ".join(r.text.split()),
                r.priority,
                r.enabled,
                r.gpus,
                r.stop,
                r.cooldown,
                r.mode,
                dict(r.annotations),
            ]
            + [[a.name, sorted(map(str, a.parameters.items()))] for a in r.actions]
            for r in rules
        ],
        "signals": [repr(s.fingerprint) for s in signals.values()],
        "meanings": builder.meanings,
        "settings": repr(settings),
        "file_types": builder.file_types,
    }
    text = canonical(content, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _unreadable(path: str, error: Exception) -> Diagnostic:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return diagnostic_at("GPR001", f"the file cannot be read: {reason}", path, Location(1, 1, 1, 1))


def load(path: str | Path, actions: Registry[Action] | None = None) -> Ruleset:
    """Return the ruleset of a file; ``gpurules:NAME`` is a shipped one.

    *actions* are the actions that rules may order; by default those that ship, of plug-ins, and made by the decorator.

    Raises:
        RulesetError: the file is wrong, or cannot be read; ``diagnostics`` has every error.
    """
    try:
        data = read_file(str(path))
    except (OSError, ValueError) as error:
        raise RulesetError([_unreadable(str(path), error)]) from None
    with gc_paused():  # until all but the ruleset is gone
        return _ruleset(examine(data, str(path), actions))


def loads(text: str | bytes, path: str | None = None, actions: Registry[Action] | None = None) -> Ruleset:
    """Return the ruleset of a text; relative bases are looked for beside *path*.

    Raises:
        RulesetError: the text is wrong; ``diagnostics`` has every error.
    """
    with gc_paused():  # until all but the ruleset is gone
        return _ruleset(examine(text, path, actions))


def _ruleset(loaded: Loaded) -> Ruleset:
    if loaded.ruleset is None:
        raise RulesetError(d for d in loaded.diagnostics if d.severity is Severity.ERROR)
    return loaded.ruleset


def examine_file(path: str | Path, actions: Registry[Action] | None = None) -> Loaded:
    """Load a ruleset file; one that cannot be read is a finding too."""
    try:
        data = read_file(str(path))
    except (OSError, ValueError) as error:
        return Loaded(None, (_unreadable(str(path), error),))
    return examine(data, str(path), actions)
