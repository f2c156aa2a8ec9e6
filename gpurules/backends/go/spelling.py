"""Go syntax for the shared emitter."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.native.identifiers import camel, lower_camel
from gpurules.backends.native.schema import Column
from gpurules.backends.native.spelling import NativeFunction, NativeLoop, Type
from gpurules.fields import Field

TYPES: dict[Type, str] = {"bool": "bool", "truth": "Truth", "number": "Number", "text": "Text"}
_DERIVED = {
    "file_type": "fileType",
    "framework": "framework",
    "file_name": "fileName",
    "file_extension": "fileExtension",
}
_INSIDE = {"any": "True", "all": "False"}


def literal(text: str) -> str:
    r"""Return *text* as a Go string; a lone surrogate becomes the three bytes that UTF-8 would assign to it.

    >>> literal('say "é"')
    '"say \\"é\\""'
    """
    parts = []
    for character in text:
        if character in '"\\':
            parts.append("\\" + character)
        elif character.isprintable():
            parts.append(character)
        else:
            parts.append("".join([f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")]))
    return f'"{"".join(parts)}"'


def real(value: float) -> str:
    """Return *value* as a constant that is a float64 in every context."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


@dataclass
class GoSpelling:
    """Spells expressions; ``variables`` are the globs and patterns that they use."""

    variables: list[str] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function of the runtime."""
        self.uses.add(name)
        return f"{lower_camel(name)}({', '.join(arguments)})"

    def own(self, name: str, per_gpu: bool) -> str:
        """Return a call of a function that was generated."""
        return f"{lower_camel(name)}({'c, g' if per_gpu else 'c'})"

    def number(self, value: float | None) -> str:
        """Return a constant number."""
        if value is None:
            return "Number{}"
        if isinstance(value, int):
            return f"Int({value})" if abs(value) < 2**63 else f"Float({float(value)!r})"
        return f"Float({value!r})"

    def limit(self, value: float) -> str:
        """Return a constant as a double."""
        return real(value)

    def text(self, value: str | None) -> str:
        """Return a constant text."""
        return "Text{}" if value is None else f"String({literal(value)})"

    def truth(self, value: bool | None) -> str:
        """Return a constant truth value."""
        return "Unknown" if value is None else str(value)

    def bool(self, value: bool) -> str:
        """Return a constant bool."""
        return str(value).lower()

    def column(self, column: Column) -> str:
        """Return the expression for a column of the current GPU, or of the node."""
        return f"{'g' if column.per_gpu else 'c.state'}.{camel(column.identifier)}"

    def transfer(self, read: Field) -> str:
        """Return the expression for a field of the transfer."""
        if read.declared:
            return f"c.t.{camel('label_' + read.name)}"
        if read.attribute in _DERIVED:
            self.uses.add(read.attribute)
            return f"c.{_DERIVED[read.attribute]}()"
        return "c.transferAge()" if read.attribute == "age" else f"c.t.{camel(read.attribute)}"

    def workload(self, read: Field) -> str:
        """Return the expression for a field of the workload."""
        if read.declared:
            return f"c.w.{camel('label_' + read.name)}"
        return "c.workloadAge()" if read.attribute == "age" else f"c.w.{camel(read.attribute)}"

    def bound_value(self, name: str) -> str:
        """Return the expression for a value that was computed when the state was bound."""
        return f"c.bound.{lower_camel(name)}"

    def glob(self, pattern: str, name: str, subject: str) -> str:
        """Return the test that a constant glob matches *subject*."""
        self.uses.add("globs")
        self.variables.append(f"var {lower_camel(name)} = compileGlob({literal(pattern)})")
        return f"matchGlob({lower_camel(name)}, {subject})"

    def matches(self, pattern: str, name: str, subject: str) -> str:
        r"""Return the test that a pattern is found in *subject*.

        Raises:
            UnsupportedError: the pattern has ``\C``, which Go's regexp lacks.
        """
        if "\\C" in pattern:
            raise UnsupportedError(r"Go's regexp has no \C; write (?s:.) for any character")
        self.uses.add("matches")
        self.variables.append(f"var {lower_camel(name)} = regexp.MustCompile({literal(pattern)})")
        return f"matches({lower_camel(name)}, {subject})"

    def supports(self, function: str) -> str | None:
        """Return None: Go supports every function."""
        self.uses.add("globs" if function.startswith("a glob") else function)
        return None

    def returns(self, expression: str) -> str:
        """Return the statement that ends a function."""
        return f"return {expression}"

    def returns_joined(self, parts: Sequence[str], word: str) -> list[str]:
        """Return the statement that ends a function with parts joined by *word*, one per line."""
        lines = [f"\t{part} {word}" for part in parts]
        return [f"return {lines[0].strip()}", *lines[1:-1], f"\t{parts[-1]}"]

    def returns_if(self, condition: str, expression: str) -> list[str]:
        """Return statements that end a function if *condition* is true."""
        return [f"if {condition} {{", f"\treturn {expression}", "}"]

    def declares(self, name: str, expression: str) -> str:
        """Return the statement that declares a variable."""
        return f"{name} := {expression}"

    def assigns(self, name: str, expression: str) -> str:
        """Return the statement that sets a variable."""
        return f"{name} = {expression}"

    def loop(self, loop: NativeLoop) -> list[str]:
        """Return the body of an aggregate's function."""
        before, inside, after = _loop_parts(loop)
        skip = ["if !c.w.Uses(g.Index) {", "\tcontinue", "}"] if loop.of_workload else []
        head = ["for i := range c.state.GPUs {", "\tg := &c.state.GPUs[i]"]
        return [*before, *head, *[f"\t{line}" for line in (*skip, *inside)], "}", after]


def _loop_parts(loop: NativeLoop) -> tuple[list[str], list[str], str]:
    """Return the lines before the loop over GPUs, in it, and after it."""
    item = loop.item
    match loop.function:
        case "any":
            inside = [f"if v := {item}; v == True {{", "\treturn True", "} else if v == Unknown {", "\tfound = Unknown"]
            return ["found := False"], [*inside, "}"], "return found"
        case "all":
            inside = [f"if v := {item}; v == False {{", "\treturn False", "} else if v == True && found == none {"]
            inside += ["\tfound = True", "} else if v == Unknown {", "\tfound = Unknown", "}"]
            return ["const none = Truth(2)", "found := none"], inside, "return found % 2"
        case "count":
            return ["found := int64(0)"], [f"if {item} {{", "\tfound++", "}"], "return Int(found)"
        case "max" | "min" as function:
            test = "numberAbove" if function == "max" else "numberBelow"
            inside = [f"if v := {item}; v.Known() && (!found.Known() || {test}(v, found)) {{", "\tfound = v", "}"]
            return ["found := Number{}"], inside, "return found"
        case _:
            ends = "total" if loop.function == "sum" else "mean"
            return ["found := sum{}"], [f"found.add({item})"], f"return found.{ends}()"


def render(function: NativeFunction) -> list[str]:
    """Return the source of a function."""
    parameters = "c *context, g *GPU" if function.per_gpu else "c *context"
    comment = [f"// {line}".rstrip() for line in function.comment]
    head = f"func {lower_camel(function.name)}({parameters}) {TYPES[function.gives]} {{"
    return [*comment, head, *[f"\t{line}" for line in function.lines], "}", ""]
