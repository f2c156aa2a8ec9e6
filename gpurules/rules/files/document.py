"""One ruleset file, read and held against the schema: whatever is wrong with its shape, at its place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpurules.diagnostics import Diagnostic, Related
from gpurules.registry import did_you_mean, nearest
from gpurules.rules.files.foreign import foreign_document, foreign_text
from gpurules.rules.schema.conversion import Converter
from gpurules.rules.schema.fixes import with_schema_fix
from gpurules.rules.schema.remedies import explain_violation
from gpurules.rules.schema.schema import Schema, Violation, structure, violations
from gpurules.rules.yaml.nodes import (
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    problem_at,
    with_correction,
    with_rewrite,
)
from gpurules.rules.yaml.reader import read_yaml


@dataclass(frozen=True, slots=True)
class RulesetDocument:
    """A file as located nodes, with what is wrong about its shape.

    Missing: ``root`` is None where there is nothing to go on with.
    """

    root: YamlMapping | None
    problems: tuple[Diagnostic, ...]


def read_document(data: bytes | str, path: str | None) -> RulesetDocument:
    """Return the ruleset file of *data*."""
    read = read_yaml(data, path)
    problems = list(read.problems)
    root = read.root
    if root is None:
        if not problems:
            place = YamlScalar(read.source, 0, 0, "", "")
            problems.append(problem_at(place, "GPR405", "the file is empty", "a ruleset starts with version: 1"))
        elif problems[0].code == "GPR001" and (foreign := foreign_text(read.source.text, path)) is not None:
            problems = [foreign]  # what it is says more than why it is not YAML
        return RulesetDocument(None, tuple(problems))
    foreign = foreign_document(root)
    if foreign is not None or not isinstance(root, YamlMapping):
        return RulesetDocument(None, (*problems, *([foreign] if foreign else [])))
    problems += _shape(root)
    return RulesetDocument(root, tuple(problems))


_NEEDED = ("name", "condition", "action")


def _drop_nulls(root: YamlMapping) -> None:
    """Take a null for no value at all where a key is needed, so that the key is missing."""
    rules, signals = root.get("rules"), root.get("signals")
    listed = rules.items if isinstance(rules, YamlSequence) else []
    named = signals.values.values() if isinstance(signals, YamlMapping) else ()
    for node in (root, *listed, *named):
        for key in _NEEDED if isinstance(node, YamlMapping) else ():
            value = node.values.get(key)
            if isinstance(value, YamlScalar) and not value.style and value.text in ("~", "null", "Null", "NULL"):
                del node.values[key], node.keys[key]


def _shape(root: YamlMapping) -> Iterator[Diagnostic]:
    _drop_nulls(root)
    converter = Converter()
    schema = structure()
    data = converter.data(root, schema)
    yield from converter.problems
    broken = converter.broken_places
    for violation in violations(data, schema):
        for found in _diagnosed(root, violation):
            if (found.line, found.column) not in broken:
                yield found
    yield from _rule_shapes(root)
    yield from _hidden(root)


def node_at(root: YamlNode, path: tuple[str | int, ...]) -> YamlNode:
    """Return the node that *path* leads to from *root*."""
    node = root
    for step in path:
        if isinstance(node, YamlMapping):
            node = node.values[str(step)]
        elif isinstance(node, YamlSequence):
            node = node.items[int(step)]
    return node


def _diagnosed(root: YamlMapping, violation: Violation) -> Iterator[Diagnostic]:
    node, schema = node_at(root, violation.path), violation.schema
    match violation.keyword:
        case "additionalProperties":
            yield from _unknown_keys(node, schema)
        case "required":
            assert isinstance(node, YamlMapping) and isinstance(violation.wanted, list)
            for key in missing_keys(node, violation.wanted, schema.get("properties", {})):
                yield _missing_key(node, key)
        case "propertyNames" | "pattern":
            yield from _bad_names(node)
        case "const" if violation.path == ("version",):
            hint = "this gpurules reads version: 1"
            problem = problem_at(node, "GPR404", f"unknown version {violation.found!r}", hint)
            yield with_rewrite(problem, node, "1") if isinstance(node, YamlScalar) and not node.style else problem
        case _ if violation.path == ("version",):
            return
        case _:
            yield with_schema_fix(problem_at(node, "GPR403", *explain_violation(violation)), node, violation)


def missing_keys(node: YamlMapping, wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the keys of *wanted* that *node* lacks, but for those that one of its unknown keys is a slip of."""
    absent = [key for key in wanted if key not in node.values]
    if not absent:
        return []
    names = tuple(known)
    slips = {meant_key(key, names) for key in node.values if key not in names}
    return [key for key in absent if key not in slips]


def meant_key(key: str, names: Iterable[str]) -> str | None:
    """Return the one of *names* that an unknown *key* was meant to be: the nearest, or another word for it.

    >>> meant_key("conditon", ("condition", "action")), meant_key("when", ("condition", "action"))
    ('condition', 'condition')
    >>> meant_key("factor", ("reduction_factor", "note"))
    'reduction_factor'
    """
    known = tuple(names)
    near = nearest(key, known)
    if near:
        return near[0]
    parts = [name for name in known if key in name.split("_")]
    other = [name for name, words in _OTHER_WORDS.items() if key in words and name in known]
    return next(iter((*other, *(parts if len(parts) == 1 else ()))), None)


_OTHER_WORDS = {
    "condition": ("when", "if", "expr", "expression", "match", "where", "trigger"),
    "action": ("do", "then", "run", "effect"),
    "parameters": ("args", "with", "options"),
}
"""What other tools call a key of a rule."""
_OTHER_KEYS = {word: key for key, words in _OTHER_WORDS.items() for word in words}


def _unknown_keys(node: YamlNode, schema: Schema) -> Iterator[Diagnostic]:
    assert isinstance(node, YamlMapping)
    known = schema.get("properties", {})
    for text, key in node.keys.items():
        if text not in known and not text.startswith("x-"):
            free = [name for name in known if name not in node.keys]
            hint = did_you_mean(text, free) or did_you_mean(text, known)
            if "settings" in known and text in structure()["properties"]["settings"]["properties"]:
                hint = f"write it under settings: settings.{text}"
            if hint is None and (meant := meant_key(text, free)) is not None:
                hint = f"did you mean {meant!r}?"
            if hint is None:
                hint = f"known keys: {', '.join(known)}; your own keys start with x-"
            problem = problem_at(key, "GPR401", f"unknown key {text[:60]!r}", hint)
            renamed = _OTHER_KEYS.get(text)
            is_renamed = renamed is not None and renamed in free
            yield with_rewrite(problem, key, renamed or "") if is_renamed else with_correction(problem, key, free)


def _missing_key(node: YamlMapping, key: str) -> Diagnostic:
    name = node.get("name")
    whose = f" of {name.text[:100]!r}" if isinstance(name, YamlScalar) and name.text and key != "name" else ""
    return problem_at(node, "GPR402", f"the key {key!r}{whose} is missing")


def _bad_names(node: YamlNode) -> Iterator[Diagnostic]:
    if isinstance(node, YamlMapping):
        for text, key in node.keys.items():
            if not text.isidentifier() or not text.isascii():
                message = f"{text[:60]!r} is not a valid name"
                yield problem_at(key, "GPR403", message, "names are a-z, A-Z, 0-9 and _, and do not start with a digit")


def _rule_shapes(root: YamlMapping) -> Iterator[Diagnostic]:
    """Yield what the schema cannot say of rules: which keys go together, and names that come twice."""
    rules = root.get("rules")
    known = structure()["properties"]["rules"]["items"]["properties"]
    seen: dict[str, YamlScalar] = {}
    for rule in rules.items if isinstance(rules, YamlSequence) else []:
        if not isinstance(rule, YamlMapping):
            continue
        name = rule.get("name")
        if isinstance(name, YamlScalar):
            if name.text and not name.text.isprintable():
                yield problem_at(name, "GPR403", "a rule's name can contain only printable characters")
            first = seen.setdefault(name.text, name)
            if first is not name:
                yield _same_name(first, name)
        if "action" in rule.values and "actions" in rule.values:
            yield problem_at(
                rule.keys["actions"], "GPR410", "a rule has either action or actions", "move it into actions"
            )
        if "actions" in rule.values and "parameters" in rule.values:
            key = rule.keys["parameters"]
            yield problem_at(
                key, "GPR410", "parameters belong next to action", "move them into actions, next to their action"
            )
        if is_patch(rule):
            continue
        wanted = ("condition",) if "actions" in rule.values else ("condition", "action")
        for absent in missing_keys(rule, wanted, known):
            yield _missing_key(rule, absent)


def is_patch(rule: YamlMapping) -> bool:
    """Return whether a rule patches or removes one of a base."""
    return any(isinstance(v := rule.get(k), YamlScalar) and v.text.lower() in ("true", "yes", "on") for k in PATCH_KEYS)


PATCH_KEYS = ("override", "remove")


def _same_name(first: YamlScalar, second: YamlScalar) -> Diagnostic:
    place = second.location()
    return Diagnostic(
        "GPR301",
        f"two rules are named {second.text[:100]!r}",
        second.source.path,
        place.line,
        place.column,
        place.end_line,
        place.end_column,
        "rename one of them",
        related=(Related("first here", first.source.path, first.location()),),
        rule=second.text,
    )


def _hidden(root: YamlMapping) -> Iterator[Diagnostic]:
    rules = root.get("rules")
    for rule in rules.items if isinstance(rules, YamlSequence) else []:
        if isinstance(rule, YamlMapping):
            for own, _ in rule.hidden:
                if own.text in ("condition", "action", "actions"):
                    yield problem_at(own, "GPR008", f"{own.text} overrides that of the merged mapping")
