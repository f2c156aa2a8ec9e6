"""Shared by C and Go: binding a state, deciding, and combining the claims of rules."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gpurules.backends.native.claims import are_whole, boost_range, boosts, fraction_bits, scale_claim
from gpurules.backends.native.comments import comment_lines
from gpurules.backends.native.program import MAX_STRAIGHT, NativeClaim, NativePlan, Parts
from gpurules.backends.native.spelling import NativeFunction
from gpurules.backends.native.statements import Statements

MAX_UNROLLED = 16
"""Up to this number of rules, each is asked whether it matched; with more, those that did are gone through."""

Cases = Sequence[tuple[int, Sequence[str]]]
"""Statements by the position of the rule that they are for."""


def rows(positions: Iterable[int]) -> list[str]:
    """Return numbers as rows of a table."""
    texts = [str(position) for position in positions]
    return [", ".join(texts[i : i + 16]) for i in range(0, len(texts), 16)]


@dataclass(frozen=True, slots=True)
class CaseFunction:
    """A function with a case for each rule: the text around its body, and its argument names.

    ``ends`` is the statement after the cases. Missing: it returns nothing.
    """

    name: str
    around: Callable[[str, Sequence[str]], list[str]]
    arguments: tuple[str, ...]
    ends: str | None = None


class Deciding:
    """Writes the statements of one program."""

    def __init__(self, planned: NativePlan, say: Statements) -> None:
        self.planned = planned
        self.say = say
        self.stages: list[str] = []
        self._rules = planned.program.rules
        claims = boosts(planned.program)
        self.bits = None if are_whole(claims) else fraction_bits(claims)
        """Of how many bits the fraction of the sum of boosts is; None: all boosts are whole."""

    @property
    def is_unrolled(self) -> bool:
        """Whether the check for each rule is unrolled."""
        return len(self._rules) <= MAX_UNROLLED and not any(rule.stop for rule in self._rules)

    @property
    def is_looped(self) -> bool:
        """Whether enough rules are decided per transfer that a loop handles them."""
        return len(self.planned.unkeyed) > MAX_STRAIGHT

    @property
    def contextual(self) -> list[Parts]:
        """The rules whose claims depend on the transfer."""
        return [rule for rule in self.planned.rules if self.planned.is_contextual(rule)]

    def depends_words(self) -> list[tuple[int, int]]:
        """Return the nonzero words of the set of rules whose claims depend on the transfer."""
        words = [0] * max(1, -(-len(self.planned.rules) // 64))
        for rule in self.contextual:
            words[rule.position >> 6] |= 1 << (rule.position & 63)
        return [(number, word) for number, word in enumerate(words) if word]

    # binding a state

    def bindings(self) -> list[tuple[int, list[str]]]:
        """Return the statements that compute the part of each rule that the state decides."""
        return [(rule.position, self._bind(rule)) for rule in self.planned.rules]

    def _bind(self, rule: Parts) -> list[str]:
        say, put = self.say, [self.say.put("open" if rule.is_open else "start", rule.position)]
        if rule.state is not None and rule.state.per_gpu and not rule.of_workload:
            return say.first_gpu([say.fits(self._own(rule.state.name, True))], put)
        tests = [say.has_gpus] if rule.per_gpu and not rule.of_workload else []  # without a GPU, it cannot be true
        if rule.state is not None and not rule.of_workload:
            tests.append(say.fits(self._own(rule.state.name, False)))
        return say.when(tests, put) if tests else put

    # deciding on a transfer

    def matching(self) -> list[str]:
        """Return the statements that check the few rules that are decided per transfer."""
        say, lines = self.say, list[str]()
        for rule in self.planned.unkeyed:
            tests = [say.is_in("open", rule.position), say.fits(self.match(rule))]
            lines += say.when(tests, [say.put("matched", rule.position)])
        return lines

    def match(self, rule: Parts) -> str:
        """Return the test that an open rule matches the transfer."""
        if rule.is_per_gpu_open and rule.per_gpu:
            return self._own(f"match_{rule.identifier}", False)
        parts = [part for part in ((rule.state if rule.of_workload else None), rule.open) if part is not None]
        return " && ".join(self._own(part.name, False) for part in parts) or "true"

    def match_functions(self) -> Iterator[NativeFunction]:
        """Yield the functions of the rules that must be true on one GPU for the transfer."""
        for rule in self.planned.rules:
            if rule.is_open and rule.is_per_gpu_open and rule.per_gpu:
                yield NativeFunction(f"match_{rule.identifier}", "bool", False, self._match_body(rule))

    def _match_body(self, rule: Parts) -> list[str]:
        say = self.say
        parts = [part for part in (rule.state, rule.open) if part is not None]
        shared = [self._own(part.name, False) for part in parts if not part.per_gpu]
        own = [*([say.uses] if rule.of_workload else []), *[self._own(p.name, True) for p in parts if p.per_gpu]]
        if not own:
            return [say.returns(" && ".join([*shared, say.has_gpus]))]
        body: list[str] = []
        for test in shared:
            body += say.when([f"!{test}"], [say.returns("false")])
        return [*body, *say.first_gpu(own, [say.returns("true")]), say.returns("false")]

    def holding(self) -> list[tuple[int, list[str]]]:
        """Return, for each rule that is decided per transfer, the statement that returns whether it matches."""
        return [(r.position, [self.say.returns(self.match(r))]) for r in self.planned.rules if r.is_open]

    def on_gpu(self) -> list[tuple[int, list[str]]]:
        """Return, for each rule about GPUs, the statement that returns whether it is true on the current GPU."""
        cases: list[tuple[int, list[str]]] = []
        for rule in self.planned.rules:
            if rule.per_gpu:
                tests = [self.say.uses] if rule.of_workload else []
                tests += [self._own(part.name, part.per_gpu) for part in (rule.state, rule.open) if part is not None]
                cases.append((rule.position, [self.say.returns(" && ".join(tests) or "true")]))
        return cases

    def _own(self, name: str, per_gpu: bool) -> str:
        return self.say.call(name, "c", "g") if per_gpu else self.say.call(name, "c")

    def by_rule(self, frame: CaseFunction, cases: Cases) -> list[str]:
        """Return a function with *cases*, split if there are many, because compilers are slow on long functions."""
        say, ends = self.say, [] if frame.ends is None else [frame.ends]
        groups = [(n, list(group)) for n, group in groupby(cases, key=lambda case: case[0] // MAX_STRAIGHT)]
        if len(groups) <= 1:
            return frame.around(frame.name, [*(say.switch("rule", cases) if cases else []), *ends])
        lines: list[str] = []
        calls: list[tuple[int, list[str]]] = []
        for number, group in groups:
            name = f"{frame.name}_{number}"
            lines += frame.around(name, [*say.switch("rule", group), *ends])
            call = say.call(name, *frame.arguments)
            calls.append((number, [say.run(call) if frame.ends is None else say.returns(call)]))
        return [*lines, *frame.around(frame.name, [*say.switch("rule >> 6", calls), *ends])]

    def in_parts(self, frame: CaseFunction, cases: Cases) -> tuple[list[str], list[str]]:
        """Return functions that run *cases* in sequence, and the statements that call them; none for few cases."""
        if len(cases) <= MAX_STRAIGHT:
            return [], [line for _, lines in cases for line in lines]
        functions: list[str] = []
        calls: list[str] = []
        for number, group in groupby(cases, key=lambda case: case[0] // MAX_STRAIGHT):
            name = f"{frame.name}_{number}"
            functions += frame.around(name, [line for _, lines in group for line in lines])
            calls.append(self.say.run(self.say.call(name, *frame.arguments)))
        return functions, calls

    # combining claims

    def claiming(self, total: str, end: str) -> list[tuple[int, list[str]]]:
        """Return the statements that apply the claims of each rule.

        *total* is the variable of the sum of boosts, *end* that of the first rule after a stop.
        """
        cases: list[tuple[int, list[str]]] = []
        for position, rule in enumerate(self._rules):
            lines = [line for claim in rule.claims for line in self._claim(claim, rule.name, total)]
            if rule.stop and (cut := self.planned.program.cut(position)) < len(self._rules):
                lines.append(self.say.assign(end, str(cut)))
            if lines:
                cases.append((position, [*map(self.say.comment, comment_lines(rule.name)), *lines]))
        return cases

    def unroll(self, cases: Cases) -> list[str]:
        """Return *cases* in sequence, each under the test that its rule matched."""
        return [line for n, lines in cases for line in self.say.when([self.say.is_in("decided", n)], lines)]

    def _claim(self, claim: NativeClaim, rule: str, total: str) -> list[str]:
        say, value = self.say, self.say.real(claim.value)
        match claim.target:
            case "prefetch_factor":
                factor = say.field("prefetch_factor")
                return say.when([f"{factor} > {value}"], [say.assign(factor, value)])
            case "delay" if claim.jitter:
                return [say.add_jitter(claim)]
            case "delay":
                delay = say.field("delay")
                return say.when([f"{delay} < {value}"], [say.assign(delay, value)])
            case "priority_boost":
                if self.bits is not None:
                    return [say.add_scaled(total, scale_claim(claim, self.bits))]
                return [say.increase(say.field("priority_boost"), value)]
            case "max_bandwidth" | "max_concurrency" as target:
                least, limit = say.field(target), value if target == "max_bandwidth" else str(int(claim.value))
                return say.when([f"!({least} > 0) || {least} > {limit}"], [say.assign(least, limit)])
            case "paused":
                return [say.assign(say.field("paused"), "true")]
            case _:
                self.stages.append(say.stage_row(claim, rule))
                stage, big = say.field("stage"), say.call("at_least", say.size, value)
                return say.when([f"{stage} == {say.none}", big], [say.assign(stage, say.stage(len(self.stages) - 1))])

    def bounds(self) -> list[str]:
        """Return the statements that clamp boosts and delays to the settings."""
        say, planned, lines = self.say, self.planned, list[str]()
        if planned.targets("priority_boost"):
            boost, most = say.field("priority_boost"), say.real(planned.program.max_priority)
            low, high = boost_range(planned.program)
            if high > planned.program.max_priority:
                lines += say.when([f"{boost} > {most}"], [say.assign(boost, most)])
            if low < -planned.program.max_priority:
                lines += say.when([f"{boost} < -{most}"], [say.assign(boost, f"-{most}")])
        if planned.targets("delay") or planned.targets("paused"):
            delay, paused = say.field("delay"), say.field("paused")
            body = [say.declare("left", say.patience(planned.program.max_delay))]
            body += say.when(["left <= 0"], [say.assign("left", "0"), say.assign(paused, "false")])
            body += say.when([f"{delay} > left"], [say.assign(delay, "left")])
            lines += say.when([f"{delay} > 0 || {paused}"], body)
        return lines
