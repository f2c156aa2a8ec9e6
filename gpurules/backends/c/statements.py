"""C syntax for the statements that evaluate a ruleset."""

from collections.abc import Sequence

from gpurules.backends.c.spelling import literal, real
from gpurules.backends.native.program import NativeClaim

_SETS = {"open": "bound->open", "start": "bound->start.matched", "matched": "matched", "decided": "d->matched"}


def indent(lines: Sequence[str], by: int = 1) -> list[str]:
    """Return *lines*, further to the right."""
    return [f"{'    ' * by}{line}" if line else "" for line in lines]


class CStatements:
    """Spells statements in C.

    ``can_be_overlong``: whether a rule changes the case of a text, for which a decision has limited space.
    """

    none = "NULL"
    has_gpus = "c->state->gpus_length > 0"
    uses = "gr_uses(c->w, g->index)"
    size = "c->t->size"

    def __init__(self, can_be_overlong: bool) -> None:
        self.can_be_overlong = can_be_overlong

    def field(self, target: str) -> str:
        """Return the attribute of the decision for *target*."""
        return f"d->{target}"

    def real(self, value: float) -> str:
        """Return a constant as a double."""
        return real(value)

    def comment(self, text: str) -> str:
        """Return a comment of one line."""
        return f"/* {text} */"

    def when(self, tests: Sequence[str], body: Sequence[str]) -> list[str]:
        """Return *body* under a condition."""
        return [f"if ({' && '.join(tests)}) {{", *indent(body), "}"]

    def first_gpu(self, tests: Sequence[str], body: Sequence[str]) -> list[str]:
        """Return *body* for the first GPU on which all *tests* are true; it ends the loop."""
        ends = [] if body[-1].startswith("return") else ["break;"]
        inside = ["const gr_gpu *g = &c->state->gpus[i];", *self.when(tests, [*body, *ends])]
        return ["for (size_t i = 0; i < c->state->gpus_length; i++) {", *indent(inside), "}"]

    def switch(self, subject: str, cases: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
        """Return a switch on *subject*."""
        lines: list[str] = []
        for number, body in cases:
            ends = [] if body[-1].startswith("return") else ["break;"]
            lines += [f"case {number}:", *indent([*body, *ends])]
        return [f"switch ({subject}) {{", *lines, "default:", "    break;", "}"]

    def fits(self, test: str) -> str:
        """Return the test that *test* is true and had space for all texts."""
        return f"gr_fitting(c, {test})" if self.can_be_overlong else test

    def is_in(self, rules: str, position: int) -> str:
        """Return the test that a rule is in a set."""
        return f"gr_has(&{_SETS[rules]}, {position})"

    def put(self, rules: str, position: int) -> str:
        """Return the statement that adds a rule to a set."""
        return f"gr_set(&{_SETS[rules]}, {position});"

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function."""
        return f"gr_{name}({', '.join(arguments)})"

    def assign(self, name: str, value: str) -> str:
        """Return the statement that sets a variable."""
        return f"{name} = {value};"

    def increase(self, name: str, value: str) -> str:
        """Return the statement that adds to a variable."""
        return f"{name} += {value};"

    def declare(self, name: str, value: str) -> str:
        """Return the statement that declares a variable of type double."""
        return f"double {name} = {value};"

    def run(self, call: str) -> str:
        """Return the statement that only calls a function."""
        return f"{call};"

    def returns(self, expression: str) -> str:
        """Return the statement that ends a function."""
        return f"return {expression};"

    def patience(self, longest: float) -> str:
        """Return the expression for how long a transfer may still wait."""
        return f"{real(longest)} - gr_age_of(c->t->created, c->state->timestamp)"

    def add_jitter(self, claim: NativeClaim) -> str:
        """Return the statement that raises the delay to at least one with jitter."""
        return f"d->delay = fmax(d->delay, gr_jittered({real(claim.value)}, {real(claim.jitter)}, c->t->id));"

    def add_scaled(self, sum_of_boosts: str, scaled: tuple[int, int, bool]) -> str:
        """Return the statement that adds a fixed-point number to a sum of boosts."""
        high, low, is_negative = scaled
        wide = f"{{UINT64_C(0x{high:x}), UINT64_C(0x{low:x}), {str(is_negative).lower()}}}"
        return f"{sum_of_boosts} = gr_wide_plus({sum_of_boosts}, (gr_wide){wide});"

    def stage(self, place: int) -> str:
        """Return the stage at a position of the table of stages."""
        return f"&gr_stages[{place}]"

    def stage_row(self, claim: NativeClaim, rule: str) -> str:
        """Return a row of the table of stages."""
        area = "NULL" if claim.area is None else literal(claim.area)
        return f"{{{area}, {real(claim.value)}, {literal(claim.on_full)}, {literal(rule)}}}"
