"""Formats the text of a ruleset, and proves that it still says the same."""

from collections.abc import Iterator, Mapping

from gpurules.formatting.conditions import canonical
from gpurules.formatting.layout import Layout
from gpurules.formatting.tokens import FormatError
from gpurules.language import parse, parse_definition
from gpurules.rules.files import TESTS, foreign_document, foreign_text
from gpurules.rules.yaml import YamlDocument, YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml

__all__ = ["FormatError", "format_text"]


def format_text(text: str) -> str:
    """Return the text of a YAML file in its canonical layout, the conditions of a ruleset in their canonical spelling.

    Comments, line ends (CR LF or LF), a byte order mark and the style of every scalar are kept.

    Raises:
        FormatError: the text is not YAML, is a file of another tool, or could not be formatted without a change of
            what it says.

    >>> print(format_text("version:   1\\nrules:\\n- name: a   # mine\\n  condition: gpu_memory>80\\n"), end="")
    version: 1
    rules:
      - name: a   # mine
        condition: gpu_memory > 80
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    line_end = "\r\n" if "\r\n" in text.partition("\n")[0] + "\n" else "\n"
    before = text.removeprefix("\ufeff").replace("\r\n", "\n")
    read = _read(before)
    if read.root is None:
        return text
    _refuse_foreign(read.root)
    after = Layout(before, dict(_spellings(before, read.root))).laid_out()
    if after == before:
        return text
    again = _read(after)
    if again.root is None or not _same(read.root, again.root, _expressions(read.root)):
        raise FormatError("the file could not be formatted without changing its meaning")
    if after.count("#") != before.count("#"):
        raise FormatError("the file could not be formatted without losing a comment")
    return mark + after.replace("\n", line_end)


def _refuse_foreign(root: YamlNode) -> None:
    """Refuse files that belong to other tools."""
    other = None if isinstance(root, YamlSequence) else foreign_document(root)
    if other is not None and foreign_document(root, TESTS) is not None:
        raise FormatError(f"{other.message}; the file is left unchanged")


def _read(text: str) -> YamlDocument:
    read = read_yaml(text)
    for problem in read.problems:
        if problem.code != "GPR002":
            foreign = foreign_text(text, None) if problem.code == "GPR001" else None
            if foreign is not None:
                raise FormatError(f"{foreign.message}; the file is left unchanged")
            raise FormatError(f"line {problem.line}: {problem.message}")
    return read


def _expressions(root: YamlNode) -> Mapping[int, tuple[YamlScalar, bool]]:
    """Return the scalars that are expressions by where they start, and whether each is a definition."""
    found: dict[int, tuple[YamlScalar, bool]] = {}
    if not isinstance(root, YamlMapping) or "cases" in root.values:
        return found
    rules, signals, define = root.get("rules"), root.get("signals"), root.get("define")
    holders: list[YamlNode] = list(rules.items) if isinstance(rules, YamlSequence) else []
    holders += signals.values.values() if isinstance(signals, YamlMapping) else []
    for holder in holders:
        for key in ("condition", "until"):
            value = holder.get(key) if isinstance(holder, YamlMapping) else None
            if isinstance(value, YamlScalar):
                found[value.start] = (value, False)
    for value in define.values.values() if isinstance(define, YamlMapping) else []:
        if isinstance(value, YamlScalar):
            found[value.start] = (value, True)
    return found


def _spellings(text: str, root: YamlNode) -> Iterator[tuple[int, str]]:
    """Yield the canonical text of each sound expression, as it is written in a scalar of its style."""
    for start, (scalar, is_definition) in _expressions(root).items():
        parsed = parse_definition(scalar.text) if is_definition else parse(scalar.text)
        written = text[scalar.start : scalar.end]
        if parsed.tree is None or parsed.findings:
            continue
        match scalar.style:
            case "|" | ">":
                yield start, canonical("\n".join(written.split("\n")[1:]), parsed.tree)
            case "":
                yield start, canonical(written, parsed.tree)
            case quote if "\n" not in written:
                yield start, quote + scalar.spelling_of(canonical(scalar.text, parsed.tree)) + quote
            case _:
                pass  # a quoted text of several lines stays as it is


def _same(one: YamlNode, other: YamlNode, expressions: Mapping[int, tuple[YamlScalar, bool]]) -> bool:
    """Return whether two files say the same: equal values, and expressions with equal trees."""
    stack: list[tuple[YamlNode, YamlNode]] = [(one, other)]
    seen: set[int] = set()
    while stack:
        left, right = stack.pop()
        if id(left) in seen:
            continue
        seen.add(id(left))
        match left, right:
            case YamlScalar(), YamlScalar():
                known = expressions.get(left.start)
                if left.style != right.style or not (
                    left.text == right.text or (known and known[0] is left and _same_tree(left, right, known[1]))
                ):
                    return False
            case YamlSequence(), YamlSequence():
                if len(left.items) != len(right.items):
                    return False
                stack += zip(left.items, right.items, strict=True)
            case YamlMapping(), YamlMapping():
                if list(left.values) != list(right.values):
                    return False
                stack += zip(left.values.values(), right.values.values(), strict=True)
            case _:
                return False
    return True


def _same_tree(left: YamlScalar, right: YamlScalar, is_definition: bool) -> bool:
    read = parse_definition if is_definition else parse
    one, other = read(left.text).tree, read(right.text).tree
    return one is not None and one == other
