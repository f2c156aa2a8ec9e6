"""The functions of a generated Go package that bind a state, decide, and combine what rules claim."""

from collections.abc import Iterable

from gpurules.backends.go.spelling import literal, real
from gpurules.backends.native.claims import are_whole, boosts, fraction_bits, scale_claim
from gpurules.backends.native.identifiers import camel, lower_camel
from gpurules.backends.native.program import MAX_STRAIGHT, Key, NativeClaim, NativePlan, Parts
from gpurules.fields import Field, Scope


def deciding(planned: NativePlan) -> list[str]:
    """Return Bound, Bind, Decide and what they call."""
    return [
        *_bound(planned),
        *_bind(planned),
        *_decide(planned),
        *_keyed(planned),
        *_holds(planned),
        *_combine(planned),
        *_devices(planned),
    ]


def _indented(lines: Iterable[str], by: int = 1) -> list[str]:
    return [f"{chr(9) * by}{line}" if line else "" for line in lines]


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


def _call(function: str, per_gpu: bool, context: str = "c") -> str:
    return f"{lower_camel(function)}({context}, g)" if per_gpu else f"{lower_camel(function)}({context})"


def _bind(planned: NativePlan) -> list[str]:
    lines = ["b := &Bound{state: state}"]
    lines += ["b.start.PrefetchFactor = 1", "b.start.SnapshotTime = state.Timestamp.f"]
    body: list[str] = []
    for function in planned.output.held.values():
        body.append(f"b.{lower_camel(function.name)} = {lower_camel(function.name)}(c)")
    for rule in planned.rules:
        body += _bind_rule(rule)
    lines.append("c := &context{bound: b, state: state, t: noTransfer, w: noWorkload}")
    lines += body
    lines += ["b.settled = b.start", "b.settled.combine(c)", "return b"]
    return [
        "// Bind decides all that a state decides. The state must not change any more.",
        "func Bind(state *State) *Bound {",
        *_indented(lines),
        "}",
        "",
    ]


def _bind_rule(rule: Parts) -> list[str]:
    target = f"b.{'open' if rule.is_open else 'start.Matched'}.set({rule.position})"
    if rule.state is None or not rule.state.per_gpu or rule.of_workload:
        tests = ["len(state.GPUs) > 0"] if rule.per_gpu and not rule.of_workload else []  # it holds on no GPU of none
        tests += [_call(rule.state.name, False)] if rule.state is not None and not rule.of_workload else []
        return [f"if {' && '.join(tests)} {{", f"\t{target}", "}"] if tests else [target]
    return [
        "for i := range state.GPUs {",
        f"\tif {lower_camel(rule.state.name)}(c, &state.GPUs[i]) {{",
        f"\t\t{target}",
        "\t\tbreak",
        "\t}",
        "}",
    ]


def _tests(planned: NativePlan) -> list[str]:
    """Return the statements that go through the rules that each transfer decides."""
    tests: list[str] = []
    loop = ["\tif b.open.Has(int(rule)) && holdsFor(&c, int(rule)) {", "\t\td.Matched.set(int(rule))", "\t}", "}"]
    if len(planned.unkeyed) > MAX_STRAIGHT:
        tests = ["for _, rule := range unkeyed {", *loop]
    else:
        for rule in planned.unkeyed:
            call = f"{lower_camel('match_' + rule.identifier)}(&c)"
            tests += [f"if b.open.Has({rule.position}) && {call} {{", f"\td.Matched.set({rule.position})", "}"]
    for number, key in enumerate(planned.keys, 1):
        tests += [f"for _, rule := range key{number}({_subject(key.field)}) {{", *loop]
    return tests


_WITHOUT_NIL = ["if t == nil {", "\tt = noTransfer", "}", "if w == nil {", "\tw = noWorkload", "}"]


def _decide(planned: NativePlan) -> list[str]:
    tests = _tests(planned)
    depends = [rule for rule in planned.rules if planned.is_contextual(rule)]
    lines = ["if b.start.Basis != Fresh {", "\treturn b.start", "}"]
    if not tests and not depends:
        lines += ["return b.settled"]
    else:
        settled = "d.Matched == b.start.Matched" + (" && !dependsOnTransfer(&d.Matched)" if depends else "")
        lines = [*_WITHOUT_NIL, *lines, "c := context{bound: b, state: b.state, t: t, w: w}", "d := b.start", *tests]
        lines += [f"if {settled} {{", "\treturn b.settled", "}", "d.combine(&c)", "return d"]
    return [
        "// Decide returns the decision for a transfer; either may be nil. It takes no lock and allocates nothing.",
        "func (b *Bound) Decide(t *Transfer, w *Workload) Decision {",
        *_indented(lines),
        "}",
        "",
        *(_depends(planned, depends) if depends else []),
    ]


def _depends(planned: NativePlan, rules: list[Parts]) -> list[str]:
    words = [0] * max(1, -(-len(planned.rules) // 64))
    for rule in rules:
        words[rule.position >> 6] |= 1 << (rule.position & 63)
    tests = [f"r[{n}]&0x{word:x} != 0" for n, word in enumerate(words) if word]
    return [
        "// dependsOnTransfer reports whether what the rules claim depends on the transfer.",
        "func dependsOnTransfer(r *Rules) bool {",
        f"\treturn {' || '.join(tests)}",
        "}",
        "",
    ]


def _subject(read: Field) -> str:
    if read.declared:
        return f"c.{'t' if read.scope is Scope.TRANSFER else 'w'}.{camel('label_' + read.name)}"
    derived = {"file_type": "c.fileType()", "framework": "c.framework()", "file_name": "c.fileName()"}
    derived["file_extension"] = "c.fileExtension()"
    holder = "t" if read.scope is Scope.TRANSFER else "w"
    return (
        derived.get(read.attribute, f"c.{holder}.{camel(read.attribute)}")
        if holder == "t"
        else (f"c.w.{camel(read.attribute)}")
    )


def _keyed(planned: NativePlan) -> list[str]:
    lines: list[str] = []
    if len(planned.unkeyed) > MAX_STRAIGHT:
        lines += [*_list("unkeyed", [rule.position for rule in planned.unkeyed])]
    for number, key in enumerate(planned.keys, 1):
        lines += _key(number, key)
    return lines


def _list(name: str, positions: Iterable[int]) -> list[str]:
    texts = [str(position) for position in positions]
    rows = [", ".join(texts[i : i + 16]) for i in range(0, len(texts), 16)]
    return [f"var {name} = []uint16{{", *[f"\t{row}," for row in rows], "}", ""]


def _key(number: int, key: Key) -> list[str]:
    lines = [f"// key{number} returns the rules that a value of {key.field.name} leaves."]
    lines += [f"func key{number}(t Text) []uint16 {{", "\tswitch t.s {"]
    lists: list[str] = []
    for place, (value, positions) in enumerate(key.rules.items()):
        lines += [f"\tcase {literal(value)}:", f"\t\treturn key{number}List{place}"]
        lists += [f"var key{number}List{place} = []uint16{{{', '.join(map(str, positions))}}}", ""]
    return [*lines, "\t}", "\treturn nil", "}", "", *lists]


def _match(rule: Parts) -> list[str]:
    """Return the function that says whether a rule that is open matches for a transfer."""
    name = lower_camel(f"match_{rule.identifier}")
    head = [f"func {name}(c *context) bool {{"]
    if not rule.is_per_gpu_open or not rule.per_gpu:
        parts = [part for part in ((rule.state if rule.of_workload else None), rule.open) if part is not None]
        joined = " && ".join(_call(part.name, False) for part in parts)
        return [*head, f"\treturn {joined or 'true'}", "}", ""]
    shared = [p for p in (rule.state, rule.open) if p is not None and not p.per_gpu]
    own = [p for p in (rule.state, rule.open) if p is not None and p.per_gpu]
    tests = [*(["c.w.Uses(g.Index)"] if rule.of_workload else []), *[_call(p.name, True) for p in own]]
    first = " && ".join(_call(p.name, False) for p in shared)
    body = [*([f"if !({first}) {{" if len(shared) > 1 else f"if !{first} {{", "\treturn false", "}"] if shared else [])]
    if not tests:
        return [*head, *_indented([*body, "return len(c.state.GPUs) > 0"]), "}", ""]
    body += ["for i := range c.state.GPUs {", "\tg := &c.state.GPUs[i]", f"\tif {' && '.join(tests)} {{"]
    body += ["\t\treturn true", "\t}", "}", "return false"]
    return [*head, *_indented(body), "}", ""]


def _holds(planned: NativePlan) -> list[str]:
    lines = [line for rule in planned.rules if rule.is_open for line in _match(rule)]
    if not planned.keys and len(planned.unkeyed) <= MAX_STRAIGHT:
        return lines
    lines += ["func holdsFor(c *context, rule int) bool {", "\tswitch rule {"]
    for rule in planned.rules:
        if rule.is_open:
            lines += [f"\tcase {rule.position}:", f"\t\treturn {lower_camel('match_' + rule.identifier)}(c)"]
    return [*lines, "\t}", "\treturn false", "}", ""]


def _combine(planned: NativePlan) -> list[str]:
    cases: list[str] = []
    stages: list[str] = []
    claims = boosts(planned.program)
    bits = None if are_whole(claims) else fraction_bits(claims)
    for position, rule in enumerate(planned.program.rules):
        lines = [line for claim in rule.claims for line in _claim(claim, rule.name, stages, bits)]
        if rule.stop and (cut := planned.program.cut(position)) < len(planned.rules):
            lines.append(f"end = {cut}")
        if lines:
            cases += [f"case {position}: // {rule.name}", *_indented(lines)]
    if not cases:
        return [
            "// combine has nothing to do: no rule claims anything.",
            "func (d *Decision) combine(c *context) {}",
            "",
        ]
    body = ["end := RuleCount", *(["boost := wide{}"] if bits is not None else [])]
    loop = [
        "rule := word<<6 + bits.TrailingZeros64(left)",
        "if rule >= end {",
        "\td.Matched[word] &^= 1 << (rule & 63)",
    ]
    loop += ["\tcontinue", "}", "switch rule {", *cases, "}"]
    body += [
        "for word, left := range d.Matched {",
        "\tfor ; left != 0; left &= left - 1 {",
        *_indented(loop, 2),
        "\t}",
        "}",
    ]
    return [
        *_stages(stages),
        "// combine applies what the matching rules claim, the weightiest first.",
        "func (d *Decision) combine(c *context) {",
        *_indented([*body, *_bounds(planned, bits)]),
        "}",
        "",
    ]


def _stages(stages: list[str]) -> list[str]:
    return ["var stages = [...]Stage{", *[f"\t{stage}," for stage in stages], "}", ""] if stages else []


def _claim(claim: NativeClaim, rule: str, stages: list[str], bits: int | None) -> list[str]:
    value = real(claim.value)
    match claim.target:
        case "prefetch_factor":
            return [f"if d.PrefetchFactor > {value} {{", f"\td.PrefetchFactor = {value}", "}"]
        case "delay":
            if not claim.jitter:
                return [f"if d.Delay < {value} {{", f"\td.Delay = {value}", "}"]
            delay = f"jittered({value}, {real(claim.jitter)}, c.t.ID)"
            return [f"if delay := {delay}; d.Delay < delay {{", "\td.Delay = delay", "}"]
        case "priority_boost" if bits is None:
            return [f"d.PriorityBoost += {value}"]
        case "priority_boost":
            assert bits is not None
            high, low, is_negative = scale_claim(claim, bits)
            return [f"boost = boost.plus(wide{{0x{high:x}, 0x{low:x}, {str(is_negative).lower()}}})"]
        case "max_bandwidth":
            return [f"if d.MaxBandwidth == 0 || d.MaxBandwidth > {value} {{", f"\td.MaxBandwidth = {value}", "}"]
        case "max_concurrency":
            return [f"if d.MaxConcurrency == 0 || d.MaxConcurrency > {value} {{", f"\td.MaxConcurrency = {value}", "}"]
        case "paused":
            return ["d.Paused = true"]
        case _:
            stages.append(f"{{{literal(claim.area or '')}, {value}, {literal(claim.on_full)}, {literal(rule)}}}")
            place = f"&stages[{len(stages) - 1}]"
            return [f"if d.Stage == nil && atLeast(c.t.Size, {value}) {{", f"\td.Stage = {place}", "}"]


def _bounds(planned: NativePlan, bits: int | None) -> list[str]:
    lines: list[str] = []
    most = real(planned.program.max_priority)
    if planned.targets("priority_boost"):
        lines += [f"d.PriorityBoost = boost.float(-{bits})"] if bits is not None else []
        lines += [f"d.PriorityBoost = math.Max(-{most}, math.Min({most}, d.PriorityBoost))"]
    if planned.targets("delay") or planned.targets("paused"):
        longest = real(planned.program.max_delay)
        patience = [f"if left := {longest} - ageOf(c.t.Created, c.state.Timestamp); d.Delay > left || left <= 0 {{"]
        lines += [
            *patience,
            "\td.Delay = math.Max(0, math.Min(d.Delay, left))",
            "\td.Paused = d.Paused && left > 0",
            "}",
        ]
    return lines


def _devices(planned: NativePlan) -> list[str]:
    cases: list[str] = []
    for rule in planned.rules:
        if rule.per_gpu:
            parts = [p for p in (rule.state, rule.open) if p is not None]
            tests = [*(["w.Uses(g.Index)"] if rule.of_workload else []), *[_call(p.name, p.per_gpu) for p in parts]]
            cases += [f"case {rule.position}:", f"\treturn {' && '.join(tests) or 'true'}"]
    body = ["c := &context{bound: b, state: b.state, t: t, w: w}", "var found []Index"]
    body += ["for i := range b.state.GPUs {", "\tif onGPU(c, rule, &b.state.GPUs[i]) {"]
    body += ["\t\tfound = append(found, b.state.GPUs[i].Index)", "\t}", "}", "return found"]
    own = ["// onGPU reports whether a rule holds on a GPU; a rule that reads no GPU holds on none.",
           "func onGPU(c *context, rule int, g *GPU) bool {"]  # fmt: skip
    switch = ["switch rule {", *[line.replace("w.Uses", "c.w.Uses") for line in cases], "}"] if cases else []
    return [
        *own,
        *_indented([*switch, "return false"]),
        "}",
        "",
        "// Devices returns the GPUs on which a rule holds for a transfer; none for a rule that reads no GPU.",
        "func (b *Bound) Devices(rule int, t *Transfer, w *Workload) []Index {",
        *_indented([*_WITHOUT_NIL, *body]),
        "}",
        "",
    ]
