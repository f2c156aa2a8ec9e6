"""The names that a condition can use, and what checking a text against them gives."""

from collections.abc import Mapping
from dataclasses import field, replace

from gpurules.diagnostics import Finding, Span
from gpurules.fields import FIELDS, Field, Scope
from gpurules.language.checking import fast_path
from gpurules.language.checking.checker import Context, Named, check, check_condition, check_list
from gpurules.language.syntax import nodes
from gpurules.language.syntax.depth import MAX_HEIGHT, make_room
from gpurules.language.syntax.parser import Parsed
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.model import ERROR, STRING, Datatype, Value
from gpurules.records import Record, record

MAX_TERMS = 50_000
MAX_ALL_TERMS = 500_000
MAX_SMALL = 100
"""How many terms a signal may have to be put in place without measuring what comes of it."""


@record
class Input(Record):
    """A typed constant that a ruleset takes."""

    value: Value
    datatype: Datatype


@record
class Checked(Record):
    """A text that has been checked.

    ``term`` is of type ERROR where there is an error among ``findings``; their spans count in the text itself.
    """

    term: ir.Term
    findings: tuple[Finding, ...]
    per_gpu: bool = False
    used: frozenset[str] = field(default=frozenset())

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes that the term reads."""
        return ir.scopes(self.term)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that the term reads."""
        return frozenset(f.name for f in ir.fields(self.term))


BROKEN = ir.Constant(None, ERROR)


class Environment:
    """Fields, definitions, signals and inputs under their names; each is checked once, in order of need.

    A name that stands for several things is, in this order, a definition, a signal, an input, a field.
    """

    def __init__(
        self,
        fields: Mapping[str, Field] = FIELDS,
        definitions: Mapping[str, Parsed] | None = None,
        signals: Mapping[str, Parsed] | None = None,
        inputs: Mapping[str, Input] | None = None,
        endings: Mapping[str, Parsed] | None = None,
    ) -> None:
        self._fields = fields
        self._definitions = definitions or {}
        self._signals = signals or {}
        self._inputs = inputs or {}
        self._endings = endings or {}
        self.broken: frozenset[str] = frozenset()
        self._is_tainted = False
        self._checked_endings: dict[str, Checked] = {}
        self._checked: dict[tuple[str, str], Checked] = {}
        self._lists: dict[str, tuple[ir.Constant, ...]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._aggregating: set[str] = set()
        self._terms = 0
        self._fast_path = fast_path.FastPath(self, self._small)

    def note_broken(self, names: frozenset[str]) -> None:
        """Take *names* for declared, but wrongly, so that nothing is said of their uses; before anything is checked."""
        self.broken, self._is_tainted = names, bool(names)

    @property
    def terms(self) -> int:
        """How many terms have been made so far, definitions and signals put in place."""
        return self._terms

    def take_terms(self, count: int) -> bool:
        """Count terms that were made before in an equal environment; return whether there is room for them."""
        if self._terms + count > MAX_ALL_TERMS:
            return False
        self._terms += count
        return True

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a condition can use, functions too."""
        return (*self._definitions, *self._signals, *self._inputs, *self._fields, *FUNCTIONS)

    def condition(self, parsed: Parsed) -> Checked:
        """Return *parsed* checked as a condition."""
        self._prepare(parsed)
        return self._checked_text(parsed, wants_bool=True)

    def try_fast_path(self, text: str) -> Checked | None:
        """Return the condition *text* checked, if that takes no syntax tree, and there is nothing to say of it.

        Missing: None where it is to be parsed, and checked by ``condition``.
        """
        found = fast_path.simple_condition(text)
        term = None if found is None else self._fast_path.term(found)
        if found is None or term is None:
            return None
        self._terms += fast_path.size_of(found) + sum(self.size(name)[0] for name in fast_path.names_alone(found))
        if self._terms > MAX_ALL_TERMS:
            return None
        return Checked(term, (), _is_per_gpu(term), fast_path.names_of(found))

    def _small(self, name: str) -> Named:
        """Return what *name* stands for if it is a field, or a signal that has been checked and has few terms."""
        key = self._key(name)
        if key is not None and (key not in self._checked or self.size(name)[0] > MAX_SMALL):
            return None
        return self.resolve(name)

    def expression(self, parsed: Parsed) -> Checked:
        """Return *parsed* checked as an expression of any type."""
        self._prepare(parsed)
        return self._checked_text(parsed, wants_bool=False)

    def definition(self, name: str) -> Checked:
        """Return the definition *name* checked; a list has the term of its first member."""
        self._prepare_named(("definition", name))
        return self._checked["definition", name]

    def as_text(self, name: str) -> ir.Term:
        """Return the definition *name* as a message reports it: a list is one text."""
        checked, members = self.definition(name), self._lists.get(name)
        if members is None:
            return checked.term
        return ir.Constant(", ".join(str(one.value) for one in members), STRING, span=checked.term.span)

    def signal(self, name: str) -> Checked:
        """Return the start condition of the signal *name* checked; it is per GPU if its ``until`` is."""
        self._prepare_named(("signal", name))
        return self._checked["signal", name]

    def until_condition(self, name: str) -> Checked | None:
        """Return the ``until`` of the signal *name* checked, None where it has none."""
        self._prepare_named(("signal", name))
        return self._checked_endings.get(name)

    def resolve(self, name: str) -> Named:
        """Return what *name* stands for, None if for nothing; what is wrong itself is of type ERROR."""
        if name in self.broken:
            return BROKEN
        if name in self._definitions:
            checked = self._checked.get(("definition", name))
            if name in self._lists:
                return self._lists[name]
            return checked.term if checked else BROKEN
        if name in self._signals:
            checked, until_condition = self._checked.get(("signal", name)), self._checked_endings.get(name)
            if ERROR in [one.term.datatype for one in (checked, until_condition) if one is not None]:
                return BROKEN
            return ir.Signal(name, checked.per_gpu if checked else False)
        if name in self._inputs:
            given = self._inputs[name]
            return ir.Constant(given.value, given.datatype, spelling=name)
        return self._fields.get(name)

    def has_aggregate(self, name: str) -> bool:
        """Return whether the definition *name* holds an aggregate, directly or through others."""
        return name in self._aggregating and name in self._definitions

    def size(self, name: str) -> tuple[int, int]:
        """Return how many terms, and how high a tree, stand for *name* once definitions and signals are put in place.

        Without history a signal is its condition, so that it counts as one that is put in place.
        """
        return self._sizes.get(name, (1, 1))

    def _key(self, name: str) -> tuple[str, str] | None:
        if name in self._definitions:
            return ("definition", name)
        return ("signal", name) if name in self._signals else None

    def _needs(self, *texts: Parsed) -> list[tuple[str, str]]:
        """Return the definitions and signals that texts name, in order."""
        if not self._definitions and not self._signals:
            return []
        found: dict[tuple[str, str], None] = {}
        stack: list[nodes.Definition] = []
        for parsed in texts:
            stack += [*([parsed.tree] if parsed.tree else []), *parsed.fragments]
        while stack:
            node = stack.pop()
            if isinstance(node, nodes.Name) and (key := self._key(node.name)) is not None:
                found[key] = None
            stack.extend(nodes.children(node))
        return list(found)

    def _parsed(self, key: tuple[str, str]) -> Parsed:
        return (self._definitions if key[0] == "definition" else self._signals)[key[1]]

    def _prepare(self, parsed: Parsed) -> None:
        for key in self._needs(parsed):
            self._prepare_named(key)

    def _prepare_named(self, first: tuple[str, str]) -> None:
        """Check *first* after all that it needs; without recursion, so that no chain of definitions is too long."""
        path: list[tuple[str, str]] = []
        stack: list[tuple[tuple[str, str], bool]] = [(first, False)]
        while stack:
            key, is_done = stack.pop()
            if key in self._checked:
                if is_done:
                    path.pop()
                continue
            if is_done:
                path.pop()
                self._check_named(key)
            elif key in path:
                self._report_cycle(path[path.index(key) :])
            else:
                path.append(key)
                stack.append((key, True))
                texts = [self._parsed(key)]
                if key[0] == "signal" and key[1] in self._endings:
                    texts.append(self._endings[key[1]])
                stack.extend((need, False) for need in reversed(self._needs(*texts)))

    def _report_cycle(self, cycle: list[tuple[str, str]]) -> None:
        names = " -> ".join(name for _, name in [*cycle, cycle[0]])
        first, *others = cycle
        text = self._parsed(first).text
        finding = Finding(
            "GPR115",
            Span(0, len(text)),
            f"{first[1]!r} is defined in terms of itself: {names}",
            "break the cycle",
        )
        used = frozenset(name for _, name in cycle)
        self._is_tainted = True
        self._checked[first] = Checked(BROKEN, (finding,), used=used)
        for other in others:
            self._checked[other] = Checked(BROKEN, (), used=used)

    def _check_named(self, key: tuple[str, str]) -> None:
        parsed = self._parsed(key)
        if isinstance(parsed.tree, nodes.ListLiteral):
            context = Context(self)
            members = check_list(parsed.tree, context)
            self._lists[key[1]] = members
            findings = (*parsed.findings, *context.findings)
            self._is_tainted |= bool(findings)
            self._checked[key] = Checked(members[0] if members else BROKEN, findings)
            return
        if key[0] == "definition":
            self._checked[key] = self._checked_text(parsed, wants_bool=False, name=key[1])
            return
        start = self._checked_text(parsed, wants_bool=True, name=key[1])
        if key[1] in self._endings:
            until_condition = self._checked_endings[key[1]] = self._checked_text(self._endings[key[1]], wants_bool=True)
            start = replace(start, per_gpu=start.per_gpu or until_condition.per_gpu)
        self._checked[key] = start

    def _checked_text(self, parsed: Parsed, wants_bool: bool, name: str | None = None) -> Checked:
        context = Context(self)
        for fragment in parsed.fragments:
            check(fragment, context)
        tree = parsed.tree
        if tree is None or isinstance(tree, nodes.ListLiteral):
            self._is_tainted = True
            return Checked(BROKEN, (*parsed.findings, *context.findings), used=frozenset(context.used))
        is_small = len(parsed.text) < MAX_HEIGHT and not self._definitions and not self._signals
        size, height = (1, 1) if is_small else _measure(tree, self)
        self._terms += size
        what = None
        if size > MAX_TERMS or height > MAX_HEIGHT:
            what = f"more than {MAX_TERMS:,} parts" if size > MAX_TERMS else "too deep a tree"
        elif self._terms > MAX_ALL_TERMS and size > len(parsed.text):
            what = f"a share of more than {MAX_ALL_TERMS:,} parts in all conditions"
        if what is not None:
            report = f"with its definitions and signals expanded the condition has {what}"
            context.report("GPR009", tree.span, report)
            self._is_tainted = True
            return Checked(BROKEN, (*parsed.findings, *context.findings), used=frozenset(context.used))
        make_room(height)
        term = check_condition(tree, context) if wants_bool else check(tree, context)
        findings = (*parsed.findings, *context.findings)
        is_broken = any(f.code in _FATAL for f in findings) or (self._is_tainted and _has_error(term))
        self._is_tainted |= is_broken
        result = Checked(BROKEN if is_broken else term, findings, ir.is_per_gpu(term), frozenset(context.used))
        if name is not None:
            if context.has_aggregate:
                self._aggregating.add(name)
            self._sizes[name] = (1, 1) if is_broken else (size, height)
        return result


def _has_error(term: ir.Term) -> bool:
    """Return whether something is used that is wrong itself, where it is defined."""
    return any(part.datatype == ERROR for part in ir.walk(term))


def _is_per_gpu(term: ir.Term) -> bool:
    """Return whether a comparison or name, or an AND or OR of some, has a value for each GPU."""
    if isinstance(term, ir.And | ir.Or):
        return any(map(_is_per_gpu, term.parts))
    of = term.operands[0] if isinstance(term, ir.Compare) else term
    return of.field.is_per_gpu if isinstance(of, ir.Read) else isinstance(of, ir.Signal) and of.per_gpu


def _measure(tree: nodes.Expr, environment: Environment) -> tuple[int, int]:
    """Return how many terms and how high the tree is once definitions are put in place."""
    count, highest = 0, 0
    stack: list[tuple[nodes.Definition, int]] = [(tree, 1)]
    while stack:
        node, height = stack.pop()
        inner, above = environment.size(node.name) if isinstance(node, nodes.Name) else (1, 1)
        count += inner
        highest = max(highest, height + above - 1)
        stack.extend((child, height + 1) for child in nodes.children(node))
    return count, highest


_FATAL = frozenset(
    {
        "GPR003",
        "GPR004",
        "GPR007",
        "GPR009",
        "GPR011",
        "GPR101",
        "GPR103",
        "GPR104",
        "GPR115",
        "GPR116",
        "GPR117",
        "GPR118",
    }
    | {"GPR119", "GPR120"}
)
