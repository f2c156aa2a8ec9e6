"""Follows ``extends`` and merges files, bases first, into one ruleset, still as located nodes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpurules.diagnostics import Diagnostic, LocatedEdit, Related
from gpurules.input_files import read_input
from gpurules.registry import did_you_mean, nearest, unambiguous_match
from gpurules.resources import resource_root
from gpurules.rules.files.bounds import PathBounds, bounds_of
from gpurules.rules.files.document import PATCH_KEYS, is_patch, read_document
from gpurules.rules.files.foreign import is_like_ruleset
from gpurules.rules.schema.schema import structure
from gpurules.rules.yaml.edits import without_key, without_keys
from gpurules.rules.yaml.nodes import (
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    problem_at,
    with_correction,
    with_rewrite,
)
from gpurules.rules.yaml.reader import MAX_BYTES

SHIPPED = "gpurules:"
MAX_FILES = 100
_BY_NAME = ("settings", "fields", "file_types", "define", "signals", "inputs")


@dataclass(slots=True)
class MergedRule:
    """A rule with the keys in force, each with the node that set it."""

    name: YamlScalar
    node: YamlMapping
    values: dict[str, YamlNode]
    nodes: list[YamlMapping] = field(default_factory=list)
    """The mappings that say something of it: its own, and those of patches."""

    def patch(self, other: YamlMapping) -> None:
        """Replace the keys that *other* names; ``action`` drops ``actions``, and the other way round."""
        named = {k: v for k, v in other.values.items() if k not in ("name", *PATCH_KEYS)}
        if "actions" in named:
            self.values.pop("action", None)
            self.values.pop("parameters", None)
        if "action" in named:
            self.values.pop("actions", None)
            if _text(named["action"]) != _text(self.values.get("action")):
                self.values.pop("parameters", None)  # they were those of the other action
        self.values.update(named)
        self.nodes.append(other)


@dataclass(slots=True)
class Merged:
    """What all files together say. ``sections`` has the mappings that merge by name."""

    sections: dict[str, dict[str, YamlNode]] = field(default_factory=lambda: {name: {} for name in _BY_NAME})
    keys: dict[tuple[str, str], YamlScalar] = field(default_factory=dict)
    given: dict[str, YamlScalar] = field(default_factory=dict)
    rules: dict[str, MergedRule] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    files: list[str] = field(default_factory=list)
    root: YamlMapping | None = None
    misplaced: set[str] = field(default_factory=set)
    """Names in sections whose own name is misspelled."""
    unset: set[str] = field(default_factory=set)
    """Inputs that were to be set, under a misspelled name."""

    def removals(self, section: str, names: Sequence[str]) -> dict[str, tuple[LocatedEdit, ...]]:
        """Return the edit that takes each entry out of a *section* of the last file, or the section where it is all."""
        own = self.root.get(section) if self.root else None
        if self.root is None or not isinstance(own, YamlMapping):
            return {}
        return without_keys(own, names) if len(own.keys) > 1 else dict.fromkeys(names, without_key(self.root, section))


def read_file(path: str) -> bytes:
    """Return the content of a ruleset file, or of the shipped ruleset ``gpurules:NAME``.

    Raises:
        OSError: it cannot be read.
    """
    if path.startswith(SHIPPED):
        name = path.removeprefix(SHIPPED)
        shipped = resource_root("rulesets").joinpath(f"{name}.yaml")
        if not name.replace("-", "").replace("_", "").isalnum() or not shipped.is_file():
            raise FileNotFoundError(f"no shipped ruleset is named {name!r}")
        return shipped.read_bytes()
    return read_input(path, MAX_BYTES)


def shipped_names() -> tuple[str, ...]:
    """Return the names of the rulesets that ship."""
    return tuple(
        sorted(f.name.removesuffix(".yaml") for f in resource_root("rulesets").iterdir() if f.name.endswith(".yaml"))
    )


@dataclass(slots=True)
class Merger:
    """Reads a file with all its bases. ``problems`` collects whatever is wrong on the way."""

    read: Callable[[str], bytes] = read_file
    bounds: PathBounds | None = None
    merged: Merged = field(default_factory=Merged)
    problems: list[Diagnostic] = field(default_factory=list)
    _met: set[str] = field(default_factory=set)
    _first: str | None = None

    def add(self, data: bytes | str, path: str | None, above: tuple[str, ...] = ()) -> bool:
        """Merge the file of *data*, its bases before it, and return whether it could be read.

        *above* are the files that extend it.
        """
        if not above:
            self._first = path
        document = read_document(data, path)
        self.problems += document.problems
        root = document.root
        own = identity(path) if path else ""
        self._met.add(own)
        if root is None:
            return False
        extends = root.get("extends")
        for entry in extends.items if isinstance(extends, YamlSequence) else []:
            self._extend(entry, path, (*above, own))
        self._merge_sections(root)
        self._merge_rules(root)
        self.merged.root = root
        for key in ("name", "description"):
            value = root.get(key)
            if isinstance(value, YamlScalar):
                setattr(self.merged, key, value.text)
        self.merged.files.append(path or "<text>")
        return True

    def _extend(self, entry: YamlNode, path: str | None, above: tuple[str, ...]) -> None:
        reference = entry.get("from") if isinstance(entry, YamlMapping) else entry
        if not isinstance(reference, YamlScalar) or not reference.text:
            return
        base = resolve_reference(reference.text, path)
        own = identity(base)
        if own in above:
            message = f"{reference.text!r} extends itself" + (" through others" if len(above) > 1 else "")
            self.problems.append(problem_at(reference, "GPR411", message, "remove one extends to break the cycle"))
            return
        if own not in self._met:
            if len(self._met) >= MAX_FILES:
                self.problems.append(problem_at(reference, "GPR009", f"more than {MAX_FILES} files are merged"))
                return
            data = self._base(reference, base)
            if data is None or not self.add(data, base, above):
                return
        if isinstance(entry, YamlMapping):
            self._give(entry.get("with"), reference)

    def _base(self, reference: YamlScalar, base: str) -> bytes | None:
        """Return the content of a *base*; None if it is not read, or is not a ruleset: then nothing of it is shown."""
        bounds = self.bounds = self.bounds or bounds_of(self._first)
        refusal = None if base.startswith(SHIPPED) else bounds.refusal(base)
        if refusal is not None:
            message = f"{reference.text[:200]!r} is not a base: {refusal}"
            self.problems.append(problem_at(reference, "GPR408", message, bounds.remedy))
            return None
        try:
            data = self.read(base)
        except (OSError, ValueError) as error:
            self.problems.append(_not_found(reference, base, error))
            return None
        if not is_like_ruleset(data):
            message = f"{reference.text[:200]!r} is not a ruleset"
            hint = "a base is a mapping with version, name and rules, signals, define or extends"
            self.problems.append(problem_at(reference, "GPR408", message, hint))
            return None
        return data

    def _give(self, values: YamlNode | None, reference: YamlScalar) -> None:
        if not isinstance(values, YamlMapping):
            return
        inputs = self.merged.sections["inputs"]
        for name, value in values.values.items():
            if name not in inputs:
                hint = did_you_mean(name, inputs) or f"its inputs are {', '.join(inputs) or 'none'}"
                message = f"{reference.text} has no input {name!r}"
                key = values.keys[name]
                free = [known for known in inputs if known not in values.keys]
                self.merged.unset.update(nearest(name, free))
                self.problems.append(with_correction(problem_at(key, "GPR409", message, hint), key, free))
            elif isinstance(value, YamlScalar):
                self.merged.given[name] = value

    def _merge_sections(self, root: YamlMapping) -> None:
        for key, value in root.values.items():
            if isinstance(value, YamlMapping) and key not in structure()["properties"] and nearest(key, _BY_NAME):
                self.merged.misplaced.update(value.values)
        for section, merged in self.merged.sections.items():
            own = root.get(section)
            if isinstance(own, YamlMapping):
                for name, value in own.values.items():
                    if not (name.startswith("x-") and section == "settings"):
                        merged[name] = value
                        self.merged.keys[section, name] = own.keys[name]

    def _merge_rules(self, root: YamlMapping) -> None:
        rules = root.get("rules")
        inherited = set(self.merged.rules)
        for rule in rules.items if isinstance(rules, YamlSequence) else []:
            if isinstance(rule, YamlMapping) and isinstance(name := rule.get("name"), YamlScalar):
                self._merge_rule(rule, name, inherited)

    def _merge_rule(self, rule: YamlMapping, name: YamlScalar, inherited: set[str]) -> None:
        known = self.merged.rules
        if is_patch(rule):
            if name.text not in inherited:
                hint = did_you_mean(name.text, inherited) or "a patch changes a rule of a base"
                self.problems.append(problem_at(name, "GPR406", f"no base has a rule {name.text!r}", hint))
            elif _says_true(rule.get("remove")):
                known.pop(name.text, None)
            elif name.text in known:
                self._patch(known[name.text], rule)
        elif name.text in inherited and name.text in known:
            # without its override a patch seems to lack keys; that is one mistake, not three
            place = rule.location()
            self.problems = [
                d
                for d in self.problems
                if (d.code, d.path, d.line, d.column) != ("GPR402", rule.source.path, place.line, place.column)
            ]
            self.problems.append(_needs_override(name, known[name.text].name))
        else:  # a second rule of one name has been reported; what else is wrong with it is found all the same
            key = name.text if name.text not in known else f"{name.text} (line {name.location().line})"
            known[key] = MergedRule(name, rule, dict(rule.values), [rule])

    def _patch(self, known: MergedRule, rule: YamlMapping) -> None:
        if "parameters" in rule.values and "action" not in rule.values and "actions" in known.values:
            key, hint = rule.keys["parameters"], "use actions, with the parameters next to each action"
            self.problems.append(problem_at(key, "GPR410", f"the rule {known.name.text!r} has several actions", hint))
        known.patch(rule)


def _text(node: YamlNode | None) -> str | None:
    return node.text if isinstance(node, YamlScalar) else None


def _says_true(node: YamlNode | None) -> bool:
    return isinstance(node, YamlScalar) and node.text.lower() in ("true", "yes", "on")


def _needs_override(name: YamlScalar, base: YamlScalar) -> Diagnostic:
    found = problem_at(
        name, "GPR301", f"a base has a rule {name.text!r} too", "add override: true to patch it, or rename it"
    )
    related = (Related("the base's rule", base.source.path, base.location()),)
    return Diagnostic(
        found.code,
        found.message,
        found.path,
        found.line,
        found.column,
        found.end_line,
        found.end_column,
        found.hint,
        related,
    )


def resolve_reference(reference: str, path: str | None) -> str:
    """Return the path that a *reference* in the file *path* means: beside it, absolute, or ``gpurules:NAME``."""
    if reference.startswith(SHIPPED) or Path(reference).is_absolute():
        return reference
    if path is not None and path.startswith(SHIPPED):
        return SHIPPED + Path(reference).stem
    return str((Path(path).parent if path else Path()) / reference)


def identity(path: str) -> str:
    """Return what two paths of one file have in common."""
    if path.startswith(SHIPPED):
        return path
    try:
        return str(Path(path).absolute().resolve())
    except (OSError, ValueError, RuntimeError):  # a null character, or a circle of links: reading it will say so
        return path


def _not_found(reference: YamlScalar, base: str, error: Exception) -> Diagnostic:
    if base.startswith(SHIPPED):
        names = [SHIPPED + name for name in shipped_names()]
        hint = did_you_mean(base, names) or f"the shipped ones are {', '.join(names)}"
        return with_correction(problem_at(reference, "GPR408", str(error), hint), reference, names)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    name, nearby = Path(base).name, _nearby(base)
    message = f"{reference.text[:200]!r} cannot be read: {reason}"
    problem = problem_at(reference, "GPR408", message, did_you_mean(name, nearby))
    meant = unambiguous_match(name, nearby) if reference.text.endswith(name) else None
    return problem if meant is None else with_rewrite(problem, reference, reference.text.removesuffix(name) + meant)


def _nearby(base: str) -> list[str]:
    """Return the names of the YAML files in the folder of *base*."""
    folder = Path(base).parent
    try:
        return list(_names(folder)) if folder.is_dir() else []
    except (OSError, ValueError):
        return []


def _names(folder: Path) -> Iterator[str]:
    for count, entry in enumerate(folder.iterdir()):
        if count > 1000:
            return
        if entry.suffix in (".yaml", ".yml"):
            yield entry.name
