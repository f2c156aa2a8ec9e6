"""The functions of a generated Go package that bind a state, decide, and combine what rules claim."""

from collections.abc import Iterable, Sequence

from gpurules.backends.go.spelling import GoSpelling, literal, render
from gpurules.backends.go.statements import GoStatements, indent
from gpurules.backends.native.deciding import CaseFunction, Cases, Deciding, rows
from gpurules.backends.native.identifiers import lower_camel
from gpurules.backends.native.program import Key, NativePlan
from gpurules.fields import Scope

_WITHOUT_NIL = ["if t == nil {", "\tt = noTransfer", "}", "if w == nil {", "\tw = noWorkload", "}"]


def deciding(planned: NativePlan, spelling: GoSpelling) -> list[str]:
    """Return Bound, Bind, Decide and the functions that they call."""
    parts = Deciding(planned, GoStatements())
    return [
        *_bound(planned),
        *_bind(parts),
        *_decide(parts, spelling),
        *_keyed(parts),
        *[line for function in parts.match_functions() for line in render(function)],
        *_holds(parts),
        *_combine(parts),
        *_devices(parts),
    ]


def _function(head: str, body: Sequence[str]) -> list[str]:
    return [f"func {head} {{", *indent(body), "}", ""]


def _bound(planned: NativePlan) -> list[str]:
    held = planned.output.held.values()
    rows = [("state", "*State"), ("open", "Rules"), ("start", "Decision"), ("settled", "Decision")]
    rows += [(lower_camel(f.name), "Truth" if f.gives == "truth" else "Number") for f in held]
    width = max(len(name) for name, _ in rows)
    return [
        "// Bound is a state with everything decided that does not depend on the transfer. It is immutable: any",
        "// goroutine may use it, for as long as it likes.",
        "type Bound struct {",
        *[f"\t{name.ljust(width)} {kind}" for name, kind in rows],
        "}",
        "",
        "var (",
        "\tnoTransfer = &Transfer{}",
        "\tnoWorkload = &Workload{}",
        ")",
        "",
    ]


def _bind(parts: Deciding) -> list[str]:
    frame = CaseFunction(
        "bind", lambda name, body: _function(f"(b *Bound) {lower_camel(name)}(c *context)", body), ("c",)
    )
    functions, lines = parts.in_parts(frame, parts.bindings())
    body = ["b := &Bound{state: state}"]
    body += ["b.start.PrefetchFactor = 1", "b.start.SnapshotTime = state.Timestamp.f"]
    body += ["c := &context{bound: b, state: state, t: noTransfer, w: noWorkload}"]
    for function in parts.planned.output.held.values():
        body.append(f"b.{lower_camel(function.name)} = {lower_camel(function.name)}(c)")
    body += [*[f"b.{line}" if functions else line for line in lines], "b.settled = b.start", "b.settled.combine(c)"]
    return [
        "// Bind decides all that a state decides. The state must not change any more.",
        *_function("Bind(state *State) *Bound", [*body, "return b"]),
        *functions,
    ]


def _decide(parts: Deciding, spelling: GoSpelling) -> list[str]:
    planned, depends = parts.planned, _depends(parts)
    loop = ["\tif b.open.Has(int(rule)) && holdsFor(c, int(rule)) {", "\t\td.Matched.set(int(rule))", "\t}", "}"]
    tests = ["for _, rule := range unkeyed {", *loop] if parts.is_looped else parts.matching()
    for number, key in enumerate(planned.keys, 1):
        subject = (spelling.transfer if key.field.scope is Scope.TRANSFER else spelling.workload)(key.field)
        tests += [f"for _, rule := range key{number}({subject}) {{", *loop]
    lines = ["if b.start.Basis != Fresh {", "\treturn b.start", "}"]
    if not tests and not depends:
        lines += ["return b.settled"]
    else:
        settled = "d.Matched == b.start.Matched" + (" && !dependsOnTransfer(&d.Matched)" if depends else "")
        lines = [*_WITHOUT_NIL, *lines, "c := &context{bound: b, state: b.state, t: t, w: w}", "d := b.start", *tests]
        lines += [f"if {settled} {{", "\treturn b.settled", "}", "d.combine(c)", "return d"]
    return [
        "// Decide returns the decision for a transfer; either may be nil. It takes no lock and allocates nothing.",
        *_function("(b *Bound) Decide(t *Transfer, w *Workload) Decision", lines),
        *depends,
    ]


def _depends(parts: Deciding) -> list[str]:
    tests = [f"r[{number}]&0x{word:x} != 0" for number, word in parts.depends_words()]
    if not tests:
        return []
    return [
        "// dependsOnTransfer reports whether what the rules claim depends on the transfer.",
        *_function("dependsOnTransfer(r *Rules) bool", [f"return {' || '.join(tests)}"]),
    ]


def _keyed(parts: Deciding) -> list[str]:
    planned = parts.planned
    lines = _list("unkeyed", [rule.position for rule in planned.unkeyed]) if parts.is_looped else []
    return [*lines, *[line for number, key in enumerate(planned.keys, 1) for line in _key(number, key)]]


def _list(name: str, positions: Iterable[int]) -> list[str]:
    return [f"var {name} = []uint16{{", *[f"\t{row}," for row in rows(positions)], "}", ""]


def _key(number: int, key: Key) -> list[str]:
    lines = [f"// key{number} returns the rules that a value of {key.field.name} leaves."]
    lines += [f"func key{number}(t Text) []uint16 {{", "\tswitch t.s {"]
    lists: list[str] = []
    for place, (value, positions) in enumerate(key.rules.items()):
        lines += [f"\tcase {literal(value)}:", f"\t\treturn key{number}List{place}"]
        lists += [f"var key{number}List{place} = []uint16{{{', '.join(map(str, positions))}}}", ""]
    return [*lines, "\t}", "\treturn nil", "}", "", *lists]


def _holds(parts: Deciding) -> list[str]:
    if not parts.planned.keys and not parts.is_looped:
        return []
    frame = CaseFunction(
        "holds_for",
        lambda name, body: _function(f"{lower_camel(name)}(c *context, rule int) bool", body),
        ("c", "rule"),
        "return false",
    )
    return parts.by_rule(frame, parts.holding())


def _combine(parts: Deciding) -> list[str]:
    is_scaled = parts.bits is not None
    cases = parts.claiming("boost", "end") if parts.is_unrolled else parts.claiming("s.boost", "s.end")
    head = "(d *Decision) combine(c *context)"
    if not cases:
        return ["// combine has nothing to do: no rule claims anything.", f"func {head} {{}}", ""]
    stages = ["var stages = [...]Stage{", *[f"\t{stage}," for stage in parts.stages], "}", ""] if parts.stages else []
    total, before = "boost", ["boost := wide{}"] if is_scaled else []
    body, functions = parts.unroll(cases), list[str]()
    if not parts.is_unrolled:
        total, before, body, functions = "s.boost", ["s := &claims{end: RuleCount}"], _LOOP, _claims(parts, cases)
    ends = [f"d.PriorityBoost = {total}.float(-{parts.bits})"] if is_scaled else []
    return [
        *stages,
        "// combine applies what the matching rules claim, the weightiest first.",
        *_function(head, [*before, *body, *ends, *parts.bounds()]),
        *functions,
    ]


_LOOP = [
    "for word, left := range d.Matched {",
    "\tfor ; left != 0; left &= left - 1 {",
    "\t\tif rule := word<<6 + bits.TrailingZeros64(left); rule >= s.end {",
    "\t\t\td.Matched[word] &^= 1 << (rule & 63)",
    "\t\t} else {",
    "\t\t\tclaim(c, d, rule, s)",
    "\t\t}",
    "\t}",
    "}",
]


def _claims(parts: Deciding, cases: Cases) -> list[str]:
    """Return the functions that apply the claims of each rule."""
    kind = ["\tend   int", "\tboost wide"] if parts.bits is not None else ["\tend int"]
    comment = "// claims has the first rule that a stop cuts off, and what is added up."
    frame = CaseFunction(
        "claim",
        lambda name, body: _function(f"{lower_camel(name)}(c *context, d *Decision, rule int, s *claims)", body),
        ("c", "d", "rule", "s"),
    )
    return [comment, "type claims struct {", *kind, "}", "", *parts.by_rule(frame, cases)]


def _devices(parts: Deciding) -> list[str]:
    frame = CaseFunction(
        "on_gpu",
        lambda name, body: _function(f"{lower_camel(name)}(c *context, rule int, g *GPU) bool", body),
        ("c", "rule", "g"),
        "return false",
    )
    body = ["c := &context{bound: b, state: b.state, t: t, w: w}", "var found []Index"]
    body += ["for i := range b.state.GPUs {", "\tif onGPU(c, rule, &b.state.GPUs[i]) {"]
    body += ["\t\tfound = append(found, b.state.GPUs[i].Index)", "\t}", "}", "return found"]
    return [
        "// onGPU reports whether a rule holds on a GPU; a rule that reads no GPU holds on none.",
        *parts.by_rule(frame, parts.on_gpu()),
        "// Devices returns the GPUs on which a rule holds for a transfer; none for a rule that reads no GPU.",
        *_function("(b *Bound) Devices(rule int, t *Transfer, w *Workload) []Index", [*_WITHOUT_NIL, *body]),
    ]
