"""C syntax for the shared emitter. Every identifier has the prefix ``gr``, which is replaced at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpurules.backends.native.automata import Automaton, automaton
from gpurules.backends.native.globs import glob_steps
from gpurules.backends.native.schema import Column
from gpurules.backends.native.spelling import NativeFunction, NativeLoop, Type
from gpurules.fields import Field

TYPES: dict[Type, str] = {"bool": "bool", "truth": "gr_truth", "number": "gr_number", "text": "gr_text"}
_DERIVED = frozenset({"file_type", "framework", "file_name", "file_extension"})
_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - {'"', "\\", "?"}


def literal(text: str) -> str:
    r"""Return *text* as a C string, with octal escapes (which end after three digits) for all but printable ASCII.

    >>> literal('say "é"')
    '"say \\"\\303\\251\\""'
    """
    parts = []
    for character in text:
        if character in '"\\':
            parts.append("\\" + character)
        elif character in _PLAIN:
            parts.append(character)
        else:
            parts.append("".join([f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass")]))
    made = "".join(parts)  # text that looks like the prefix must not be replaced
    return f'"{made.replace("gr_", chr(92) + "147r_").replace("GR_", chr(92) + "107R_")}"'


def real(value: float) -> str:
    """Return *value* as a constant of type double."""
    return f"{int(value)}.0" if value == int(value) and abs(value) < 1e15 else repr(float(value))


_CASING = frozenset({"lower", "upper", "file_extension"})


@dataclass
class CSpelling:
    """Spells expressions; ``tables`` are the globs and patterns that they use."""

    tables: list[str] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)

    @property
    def changes_case(self) -> bool:
        """Whether an expression changes the case of a text, for which a decision has limited space."""
        return not self.uses.isdisjoint(_CASING)

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function of the runtime."""
        self.uses.add(name)
        return f"gr_{name}({', '.join(arguments)})"

    def own(self, name: str, per_gpu: bool) -> str:
        """Return a call of a function that was generated."""
        return f"gr_{name}({'c, g' if per_gpu else 'c'})"

    def number(self, value: float | None) -> str:
        """Return a constant number."""
        if value is None:
            return "(gr_number){0, 0, GR_MISSING}"
        if isinstance(value, int) and abs(value) < 2**63:
            return f"gr_int(INT64_C({value}))"
        return f"gr_float({float(value)!r})"

    def limit(self, value: float) -> str:
        """Return a constant as a double."""
        return real(value)

    def text(self, value: str | None) -> str:
        """Return a constant text."""
        return "(gr_text){NULL, 0}" if value is None else f"GR_LITERAL({literal(value)})"

    def truth(self, value: bool | None) -> str:
        """Return a constant truth value."""
        return "GR_UNKNOWN" if value is None else f"GR_{str(value).upper()}"

    def bool(self, value: bool) -> str:
        """Return a constant bool."""
        return str(value).lower()

    def column(self, column: Column) -> str:
        """Return the expression for a column of the current GPU, or of the node."""
        return f"{'g' if column.per_gpu else 'c->state'}->{column.identifier}"

    def transfer(self, read: Field) -> str:
        """Return the expression for a field of the transfer."""
        if read.declared:
            return f"c->t->label_{read.name.lower()}"
        if read.attribute in _DERIVED:
            self.uses.add(read.attribute)
            return f"gr_{read.attribute}(c)"
        if read.attribute == "age":
            return "gr_time_since(c->t->created, c->state->timestamp)"
        return f"c->t->{read.attribute}"

    def workload(self, read: Field) -> str:
        """Return the expression for a field of the workload."""
        if read.declared:
            return f"c->w->label_{read.name.lower()}"
        if read.attribute == "age":
            return "gr_time_since(c->w->started, c->state->timestamp)"
        return f"c->w->{read.attribute}"

    def bound_value(self, name: str) -> str:
        """Return the expression for a value that was computed when the state was bound."""
        return f"c->bound->{name}"

    def glob(self, pattern: str, name: str, subject: str) -> str:
        """Return the test that a constant glob matches *subject*."""
        self.tables += glob_table(pattern, f"gr_{name}")
        return (
            f"gr_glob(gr_{name}, {len(glob_steps(pattern)) or 1}, {subject})"
            if pattern
            else (f'gr_text_equals({subject}, GR_LITERAL(""))')
        )

    def matches(self, pattern: str, name: str, subject: str) -> str:
        """Return the test that a pattern is found in *subject*.

        Raises:
            UnsupportedError: the automaton of the pattern is too large.
        """
        self.uses.add("matches")
        self.tables += _automaton(automaton(pattern), f"gr_{name}")
        return f"gr_found(&gr_{name}, {subject})"

    def supports(self, function: str) -> str | None:
        """Return why C does not support a function; None if it does."""
        if function.startswith("a glob"):
            return "the C target needs a glob that is a constant: it is taken apart when the rules are built"
        self.uses.add(function)
        return None

    def returns(self, expression: str) -> str:
        """Return the statement that ends a function."""
        return f"return {expression};"

    def returns_joined(self, parts: Sequence[str], word: str) -> list[str]:
        """Return the statement that ends a function with parts joined by *word*, one per line."""
        lines = [f"       {part} {word}" for part in parts]
        return [f"return {lines[0].strip()}", *lines[1:-1], f"       {parts[-1]};"]

    def returns_if(self, condition: str, expression: str) -> list[str]:
        """Return statements that end a function if *condition* is true."""
        return [f"if ({condition}) {{", f"    return {expression};", "}"]

    def declares(self, name: str, expression: str) -> str:
        """Return the statement that declares a variable."""
        return f"gr_number {name} = {expression};"

    def assigns(self, name: str, expression: str) -> str:
        """Return the statement that sets a variable."""
        return f"{name} = {expression};"

    def loop(self, loop: NativeLoop) -> list[str]:
        """Return the body of an aggregate's function."""
        before, inside, after = _loop_parts(loop)
        skip = ["if (!gr_uses(c->w, g->index)) {", "    continue;", "}"] if loop.of_workload else []
        head = ["for (size_t i = 0; i < c->state->gpus_length; i++) {", "    const gr_gpu *g = &c->state->gpus[i];"]
        return [*before, *head, *[f"    {line}" for line in (*skip, *inside)], "}", after]


def _loop_parts(loop: NativeLoop) -> tuple[list[str], list[str], str]:
    """Return the lines before the loop over GPUs, in it, and after it."""
    item = loop.item
    match loop.function:
        case "any":
            inside = [f"gr_truth v = {item};", "if (v == GR_TRUE) {", "    return GR_TRUE;", "}"]
            inside += ["if (v == GR_UNKNOWN) {", "    found = GR_UNKNOWN;", "}"]
            return ["gr_truth found = GR_FALSE;"], inside, "return found;"
        case "all":
            inside = [f"gr_truth v = {item};", "if (v == GR_FALSE) {", "    return GR_FALSE;", "}"]
            inside += ["found = count == 0 ? v : gr_and_truth(found, v);", "count++;"]
            return ["gr_truth found = GR_UNKNOWN;", "size_t count = 0;"], inside, "return found;"
        case "count":
            return ["int64_t found = 0;"], [f"if ({item}) {{", "    found++;", "}"], "return gr_int(found);"
        case "max" | "min" as function:
            test = "gr_number_above" if function == "max" else "gr_number_below"
            inside = [f"gr_number v = {item};"]
            inside += [f"if (gr_is_known(v) && (!gr_is_known(found) || {test}(v, found))) {{", "    found = v;", "}"]
            return ["gr_number found = {0, 0, GR_MISSING};"], inside, "return found;"
        case _:
            ends = "total" if loop.function == "sum" else "mean"
            start = "gr_sum found = {{0, 0, false}, 0, 0, false};"
            return [start], [f"gr_sum_add(&found, {item});"], f"return gr_sum_{ends}(&found);"


def render(function: NativeFunction, kind: str = "") -> list[str]:
    """Return the source of a function; *kind* is ``inline `` (with the space) or empty."""
    has_g = any("g->" in line or "g)" in line for line in function.lines)
    unused = [f"    (void){name};" for name, used in (("c", _has_c(function)), ("g", has_g)) if not used]
    parameters = "gr_context *c"
    if function.per_gpu:
        parameters += ", const gr_gpu *g"
    elif unused and unused[-1] == "    (void)g;":
        unused.pop()
    comment = [f" * {line}".rstrip() for line in function.comment]
    if comment:
        comment = (
            ["/*" + comment[0][2:], *comment[1:-1], comment[-1] + " */"]
            if len(comment) > 1
            else [f"/*{comment[0][2:]} */"]
        )
    head = f"static {kind}{TYPES[function.gives]} gr_{function.name}({parameters}) {{"
    return [
        *[line.replace("*/ ", "* / ") for line in comment],
        head,
        *unused,
        *[f"    {line}" for line in function.lines],
        "}",
        "",
    ]


def _has_c(function: NativeFunction) -> bool:
    return any("c->" in line or "(c)" in line or "(c," in line for line in function.lines)


def glob_table(pattern: str, name: str) -> list[str]:
    """Return the table of a glob's steps."""
    lines: list[str] = []
    rows: list[str] = []
    for number, step in enumerate(glob_steps(pattern)):
        if step.ranges:
            texts = ", ".join(f"0x{first:x}, 0x{last:x}" for first, last in step.ranges)
            lines.append(f"static const uint32_t {name}_set_{number}[] = {{{texts}}};")
            rows.append(f"{{false, {str(step.negated).lower()}, {len(step.ranges)}, {name}_set_{number}}}")
        else:
            rows.append(f"{{{str(step.is_star).lower()}, {str(step.negated).lower()}, 0, NULL}}")
    return [*lines, f"static const gr_glob_step {name}[] = {{{', '.join(rows)}}};", ""] if rows else []


def _table(kind: str, name: str, numbers: Sequence[int]) -> list[str]:
    rows = [", ".join(map(str, numbers[i : i + 24])) for i in range(0, len(numbers), 24)]
    return [f"static const {kind} {name}[] = {{", *[f"    {row}," for row in rows], "};"]


def _automaton(made: Automaton, name: str) -> list[str]:
    return [
        *_table("uint8_t", f"{name}_classes", made.classes),
        *_table("uint16_t", f"{name}_next", [state for row in made.next for state in row]),
        *_table("uint8_t", f"{name}_accepts", [int(accepts) for accepts in made.accepts]),
        f"static const gr_automaton {name} = "
        f"{{{name}_classes, {name}_next, {name}_accepts, {made.class_count}, {made.start}}};",
        "",
    ]
