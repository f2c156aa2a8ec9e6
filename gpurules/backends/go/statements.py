"""Go syntax for the statements that evaluate a ruleset."""

from collections.abc import Sequence

from gpurules.backends.go.spelling import literal, real
from gpurules.backends.native.identifiers import camel, lower_camel
from gpurules.backends.native.program import NativeClaim

_SETS = {"open": "b.open", "start": "b.start.Matched", "matched": "d.Matched", "decided": "d.Matched"}


def indent(lines: Sequence[str], by: int = 1) -> list[str]:
    """Return *lines*, further to the right."""
    return [f"{chr(9) * by}{line}" if line else "" for line in lines]


class GoStatements:
    """Spells statements in Go."""

    none = "nil"
    has_gpus = "len(c.state.GPUs) > 0"
    uses = "c.w.Uses(g.Index)"
    size = "c.t.Size"

    def field(self, target: str) -> str:
        """Return the attribute of the decision for *target*."""
        return f"d.{camel(target)}"

    def real(self, value: float) -> str:
        """Return a constant as a double."""
        return real(value)

    def comment(self, text: str) -> str:
        """Return a comment of one line."""
        return f"// {text}"

    def when(self, tests: Sequence[str], body: Sequence[str]) -> list[str]:
        """Return *body* under a condition."""
        return [f"if {' && '.join(tests)} {{", *indent(body), "}"]

    def first_gpu(self, tests: Sequence[str], body: Sequence[str]) -> list[str]:
        """Return *body* for the first GPU on which all *tests* are true; it ends the loop."""
        ends = [] if body[-1].startswith("return") else ["break"]
        inside = ["g := &c.state.GPUs[i]", *self.when(tests, [*body, *ends])]
        return ["for i := range c.state.GPUs {", *indent(inside), "}"]

    def switch(self, subject: str, cases: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
        """Return a switch on *subject*."""
        lines: list[str] = []
        for number, body in cases:
            lines += [f"case {number}:", *indent(body)]
        return [f"switch {subject} {{", *lines, "}"]

    def fits(self, test: str) -> str:
        """Return the test itself: Go has space for all texts."""
        return test

    def is_in(self, rules: str, position: int) -> str:
        """Return the test that a rule is in a set."""
        return f"{_SETS[rules]}.Has({position})"

    def put(self, rules: str, position: int) -> str:
        """Return the statement that adds a rule to a set."""
        return f"{_SETS[rules]}.set({position})"

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function."""
        return f"{lower_camel(name)}({', '.join(arguments)})"

    def assign(self, name: str, value: str) -> str:
        """Return the statement that sets a variable."""
        return f"{name} = {value}"

    def increase(self, name: str, value: str) -> str:
        """Return the statement that adds to a variable."""
        return f"{name} += {value}"

    def declare(self, name: str, value: str) -> str:
        """Return the statement that declares a variable of type float64."""
        return f"{name} := {value}"

    def run(self, call: str) -> str:
        """Return the statement that only calls a function."""
        return call

    def returns(self, expression: str) -> str:
        """Return the statement that ends a function."""
        return f"return {expression}"

    def patience(self, longest: float) -> str:
        """Return the expression for how long a transfer may still wait."""
        return f"{real(longest)} - ageOf(c.t.Created, c.state.Timestamp)"

    def add_jitter(self, claim: NativeClaim) -> str:
        """Return the statement that raises the delay to at least one with jitter."""
        return f"d.Delay = math.Max(d.Delay, jittered({real(claim.value)}, {real(claim.jitter)}, c.t.ID))"

    def add_scaled(self, sum_of_boosts: str, scaled: tuple[int, int, bool]) -> str:
        """Return the statement that adds a fixed-point number to a sum of boosts."""
        high, low, is_negative = scaled
        return f"{sum_of_boosts} = {sum_of_boosts}.plus(wide{{0x{high:x}, 0x{low:x}, {str(is_negative).lower()}}})"

    def stage(self, place: int) -> str:
        """Return the stage at a position of the table of stages."""
        return f"&stages[{place}]"

    def stage_row(self, claim: NativeClaim, rule: str) -> str:
        """Return a row of the table of stages."""
        return f"{{{literal(claim.area or '')}, {real(claim.value)}, {literal(claim.on_full)}, {literal(rule)}}}"
