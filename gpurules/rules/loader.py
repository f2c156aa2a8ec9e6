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
from gpurules.rules.building.rule_reuse import canonical_rule
from gpurules.rules.building.ruleset_builder import RulesetBuilder
from gpurules.rules.building.soundness import sound_parts
from gpurules.rules.files.bounds import PathBounds
from gpurules.rules.files.merge import Merger, read_file
from gpurules.rules.reuse import BuiltRules
from gpurules.rules.rule import Rule, Settings, Signal
from gpurules.rules.ruleset import Ruleset
from gpurules.strict_json import canonical


class RulesetError(DiagnosedError):
    """A ruleset is wrong; ``diagnostics`` says all that is."""


@dataclass(slots=True)
class Loaded:
    """The result of loading a file, with the expressions in it, and the names that they use.

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
    with gc_paused():
        return _examined(data, path, actions, Merger(read, bounds), None)


def examine_again(
    data: bytes | str, path: str | None, previous: Ruleset | None, actions: Registry[Action] | None = None
) -> Loaded:
    """Load the ruleset file of *data* as ``examine`` does, sooner: rules that mean the same come from *previous*."""
    with gc_paused():
        return _examined(data, path, actions, Merger(), previous.built if previous is not None else None)


def _examined(
    data: bytes | str,
    path: str | None,
    actions: Registry[Action] | None,
    merger: Merger,
    previous: BuiltRules | None,
) -> Loaded:
    merger.add(data, path)
    builder = RulesetBuilder(merger.merged, actions or default_actions(), previous)
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
        builder.built,
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
    known = builder.built.rules
    listed = [known[r.name].canonical if known.get(r.name) is not None else canonical_rule(r) for r in rules]
    content = {
        "file_types": builder.file_types,
        "meanings": builder.meanings,
        "rules": None,
        "settings": repr(settings),
        "signals": [repr(s.fingerprint) for s in signals.values()],
    }
    parts = {key: canonical(value, default=str) for key, value in content.items()} | {"rules": f"[{', '.join(listed)}]"}
    text = "{" + ", ".join(f'"{key}": {part}' for key, part in parts.items()) + "}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _unreadable(path: str, error: Exception) -> Diagnostic:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return diagnostic_at("GPR001", f"the file cannot be read: {reason}", path, Location(1, 1, 1, 1))


def load(path: str | Path, actions: Registry[Action] | None = None, previous: Ruleset | None = None) -> Ruleset:
    """Return the ruleset of a file; ``gpurules:NAME`` is a shipped one.

    *actions* are the actions that rules may order; by default those that ship, of plug-ins, and made by the decorator.
    With *previous*, which this file said before, only rules that changed are built.

    Raises:
        RulesetError: the file is wrong, or cannot be read; ``diagnostics`` has every error.
    """
    try:
        data = read_file(str(path))
    except (OSError, ValueError) as error:
        raise RulesetError([_unreadable(str(path), error)]) from None
    with gc_paused():  # until all but the ruleset is gone
        return _ruleset(examine_again(data, str(path), previous, actions))


def loads(
    text: str | bytes,
    path: str | None = None,
    actions: Registry[Action] | None = None,
    previous: Ruleset | None = None,
) -> Ruleset:
    """Return the ruleset of a text; relative bases are looked for beside *path*.

    With *previous*, which the text said before, only rules that changed are built.

    Raises:
        RulesetError: the text is wrong; ``diagnostics`` has every error.
    """
    with gc_paused():  # until all but the ruleset is gone
        return _ruleset(examine_again(text, path, previous, actions))


def _ruleset(loaded: Loaded) -> Ruleset:
    if loaded.ruleset is None:
        raise RulesetError(d for d in loaded.diagnostics if d.severity is Severity.ERROR)
    if loaded.ruleset.built is not None:
        loaded.ruleset.built.forget_trees()
    return loaded.ruleset


def examine_file(path: str | Path, actions: Registry[Action] | None = None) -> Loaded:
    """Load a ruleset file; one that cannot be read is a finding too."""
    try:
        data = read_file(str(path))
    except (OSError, ValueError) as error:
        return Loaded(None, (_unreadable(str(path), error),))
    return examine(data, str(path), actions)
