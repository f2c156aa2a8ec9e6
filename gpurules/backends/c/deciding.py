"""The functions of a generated C file that bind a state, decide, and combine what rules claim."""

from collections.abc import Iterable

from gpurules.backends.c.spelling import literal, real
from gpurules.backends.native.claims import are_whole, boosts, fraction_bits, scale_claim
from gpurules.backends.native.program import MAX_STRAIGHT, Key, NativeClaim, NativePlan, Parts
from gpurules.fields import Field, Scope


def deciding(planned: NativePlan) -> list[str]:
    """Return the functions behind ``gr_bind``, ``gr_decide`` and what they call."""
    return [
        *_context_of(planned),
        *_combine(planned),
        *_bind(planned),
        *_holds(planned),
        *_keyed(planned),
        *_decide(planned),
        *_on_gpu(planned),
    ]


def _indented(lines: Iterable[str], by: int = 1) -> list[str]:
    return [f"{'    ' * by}{line}" if line else "" for line in lines]


def _context_of(planned: NativePlan) -> list[str]:
    names = [f"    {literal(rule.name)}," for rule in planned.program.rules] or ["    NULL,"]
    return [
        "static const char *const gr_rule_names[] = {",
        *names,
        "};",
        "",
        "static gr_context gr_context_of(const gr_bound *bound, const gr_transfer *t, const gr_workload *w) {",
        "    gr_context c;",
        "    c.bound = bound;",
        "    c.state = bound->state;",
        "    c.t = t == NULL ? &gr_no_transfer : t;",
        "    c.w = w == NULL ? &gr_no_workload : w;",
        "    c.detected = (gr_text){NULL, 0};",
        "    c.used = 0;",
        "    c.is_overlong = false;",
        "    c.was_overlong = false;",
        "    return c;",
        "}",
        "",
        "/* Whether a rule matches, and all that it looked at was read in full. */",
        "GR_UNUSED static inline bool gr_fitting(gr_context *c, bool matches) {",
        "    bool fits = !c->is_overlong;",
        "    c->was_overlong = c->was_overlong || !fits;",
        "    c->is_overlong = false;",
        "    return matches && fits;",
        "}",
        "",
    ]


def _call(function: str, per_gpu: bool, context: str = "c") -> str:
    return f"gr_{function}({context}, g)" if per_gpu else f"gr_{function}({context})"


def _bind(planned: NativePlan) -> list[str]:
    body = ["memset(bound, 0, sizeof *bound);", "bound->state = state;", "bound->start.prefetch_factor = 1;"]
    body += ["bound->start.snapshot_time = state->timestamp.f;"]
    body += ["gr_context context = gr_context_of(bound, NULL, NULL), *c = &context;"]
    body += [f"bound->{f.name} = gr_{f.name}(c);" for f in planned.output.held.values()]
    for rule in planned.rules:
        body += _bind_rule(rule)
    body += ["bound->start.overlong = c->was_overlong;", "bound->settled = bound->start;"]
    body += ["gr_combine(c, &bound->settled);"]
    return ["void gr_bind(gr_bound *bound, const gr_state *state) {", *_indented(body), "}", ""]


def _bind_rule(rule: Parts) -> list[str]:
    target = f"gr_set(&bound->{'open' if rule.is_open else 'start.matched'}, {rule.position});"
    if rule.state is None or not rule.state.per_gpu or rule.of_workload:
        tests = (
            ["state->gpus_length > 0"] if rule.per_gpu and not rule.of_workload else []
        )  # it holds on no GPU of none
        if rule.state is not None and not rule.of_workload:
            tests.append(f"gr_fitting(c, {_call(rule.state.name, False)})")
        return [f"if ({' && '.join(tests)}) {{", f"    {target}", "}"] if tests else [target]
    return [
        "for (size_t i = 0; i < state->gpus_length; i++) {",
        f"    if (gr_fitting(c, gr_{rule.state.name}(c, &state->gpus[i]))) {{",
        f"        {target}",
        "        break;",
        "    }",
        "}",
    ]


def _decide(planned: NativePlan) -> list[str]:
    loop = [
        "    unsigned rule = *at;",
        "    if (gr_has(&bound->open, (int)rule) && gr_fitting(c, gr_holds_for(c, rule))) {",
        "        gr_set(&decision->matched, rule);",
        "    }",
        "}",
    ]
    tests: list[str] = []
    if len(planned.unkeyed) > MAX_STRAIGHT:
        tests = [f"for (const uint16_t *at = gr_unkeyed; at < gr_unkeyed + {len(planned.unkeyed)}; at++) {{", *loop]
    else:
        for rule in planned.unkeyed:
            call = f"gr_fitting(c, gr_match_{rule.identifier}(c))"
            tests += [f"if (gr_has(&bound->open, {rule.position}) && {call}) {{"]
            tests += [f"    gr_set(&decision->matched, {rule.position});", "}"]
    for number, key in enumerate(planned.keys, 1):
        tests += [f"gr_list list_{number} = gr_key_{number}({_subject(key.field)});"]
        tests += [
            f"for (const uint16_t *at = list_{number}.rules; at < list_{number}.rules + list_{number}.count; at++) {{"
        ]
        tests += loop
    depends = [rule for rule in planned.rules if planned.is_contextual(rule)]
    lines = ["if (bound->start.basis != GR_FRESH) {", "    *decision = bound->start;", "    return;", "}"]
    if not tests and not depends:
        lines = ["(void)transfer;", "(void)workload;", "*decision = bound->settled;"]
        return [*_DECIDE, *_indented(lines), "}", ""]
    lines += ["gr_context context = gr_context_of(bound, transfer, workload), *c = &context;"]
    lines += ["*decision = bound->start;", *tests]
    same = "gr_same_rules(&decision->matched, &bound->start.matched)"
    settled = f"{same} && !gr_depends_on_transfer(&decision->matched)" if depends else same
    lines += [f"if ({settled}) {{", "    *decision = bound->settled;", "} else {"]
    lines += ["    gr_combine(c, decision);", "}"]
    lines += ["decision->overlong = decision->overlong || c->was_overlong;"]
    return [*(_depends(planned, depends) if depends else []), *_DECIDE, *_indented(lines), "}", ""]


_DECIDE = [
    "void gr_decide(const gr_bound *bound, const gr_transfer *transfer, const gr_workload *workload,",
    "               gr_decision *decision) {",
]


def _depends(planned: NativePlan, rules: list[Parts]) -> list[str]:
    words = [0] * max(1, -(-len(planned.rules) // 64))
    for rule in rules:
        words[rule.position >> 6] |= 1 << (rule.position & 63)
    tests = [f"(rules->words[{n}] & UINT64_C(0x{word:x})) != 0" for n, word in enumerate(words) if word]
    return [
        "/* Whether what the rules claim depends on the transfer. */",
        "static bool gr_depends_on_transfer(const gr_rules *rules) {",
        f"    return {(' ||' + chr(10) + '           ').join(tests)};",
        "}",
        "",
    ]


def _subject(read: Field) -> str:
    holder = "t" if read.scope is Scope.TRANSFER else "w"
    if read.declared:
        return f"c->{holder}->label_{read.name.lower()}"
    derived = ("file_type", "framework", "file_name", "file_extension")
    return (
        f"gr_{read.attribute}(c)" if holder == "t" and read.attribute in derived else f"c->{holder}->{read.attribute}"
    )


def _keyed(planned: NativePlan) -> list[str]:
    lines: list[str] = []
    if len(planned.unkeyed) > MAX_STRAIGHT:
        lines += _list("gr_unkeyed", [rule.position for rule in planned.unkeyed])
    if planned.keys:
        lines += ["typedef struct {", "    const uint16_t *rules;", "    size_t count;", "} gr_list;", ""]
    for number, key in enumerate(planned.keys, 1):
        lines += _key(number, key)
    return lines


def _list(name: str, positions: Iterable[int]) -> list[str]:
    texts = [str(position) for position in positions]
    rows = [", ".join(texts[i : i + 16]) for i in range(0, len(texts), 16)]
    return [f"static const uint16_t {name}[] = {{", *[f"    {row}," for row in rows], "};", ""]


def _key(number: int, key: Key) -> list[str]:
    """Return the look-up of rules by a text: a search in its values, in order of their bytes."""
    values = sorted(key.rules, key=lambda value: value.encode("utf-8", "surrogatepass"))
    lists: list[str] = []
    rows: list[str] = []
    for place, value in enumerate(values):
        name = f"gr_key_{number}_{place}"
        lists += _list(name, key.rules[value])
        rows.append(f"    {{{{{literal(value)}, {len(value.encode('utf-8', 'surrogatepass'))}}}, "
                    f"{{{name}, {len(key.rules[value])}}}}},")  # fmt: skip
    return [
        *lists,
        f"/* The rules that a value of {key.field.name} leaves. */",
        f"static gr_list gr_key_{number}(gr_text text) {{",
        "    static const struct {",
        "        gr_text value;",
        "        gr_list list;",
        "    } table[] = {",
        *[f"    {row}" for row in rows],
        "    };",
        f"    size_t low = 0, high = text.data == NULL ? 0 : {len(rows)};",
        "    while (low < high) {",
        "        size_t middle = (low + high) / 2;",
        "        gr_text value = table[middle].value;",
        "        int order = memcmp(text.data, value.data, text.length < value.length ? text.length : value.length);",
        "        if (order == 0 && text.length == value.length) {",
        "            return table[middle].list;",
        "        }",
        "        if (order < 0 || (order == 0 && text.length < value.length)) {",
        "            high = middle;",
        "        } else {",
        "            low = middle + 1;",
        "        }",
        "    }",
        "    return (gr_list){NULL, 0};",
        "}",
        "",
    ]


def _match(rule: Parts) -> list[str]:
    """Return the function that says whether a rule that is open matches for a transfer."""
    head = [f"static bool gr_match_{rule.identifier}(gr_context *c) {{"]
    if not rule.is_per_gpu_open or not rule.per_gpu:
        parts = [part for part in ((rule.state if rule.of_workload else None), rule.open) if part is not None]
        tests = " && ".join(_call(part.name, False) for part in parts)
        unused = [] if tests else ["    (void)c;"]
        return [*head, *unused, f"    return {tests or 'true'};", "}", ""]
    shared = [p for p in (rule.state, rule.open) if p is not None and not p.per_gpu]
    own = [p for p in (rule.state, rule.open) if p is not None and p.per_gpu]
    tests_of_gpu = [*(["gr_uses(c->w, g->index)"] if rule.of_workload else []), *[_call(p.name, True) for p in own]]
    first = " && ".join(_call(p.name, False) for p in shared)
    body = [*([f"if (!({first})) {{", "    return false;", "}"] if shared else [])]
    if not tests_of_gpu:
        return [*head, *_indented([*body, "return c->state->gpus_length > 0;"]), "}", ""]
    body += ["for (size_t i = 0; i < c->state->gpus_length; i++) {", "    const gr_gpu *g = &c->state->gpus[i];"]
    body += [f"    if ({' && '.join(tests_of_gpu)}) {{", "        return true;", "    }", "}", "return false;"]
    return [*head, *_indented(body), "}", ""]


def _holds(planned: NativePlan) -> list[str]:
    lines = [line for rule in planned.rules if rule.is_open for line in _match(rule)]
    if not planned.keys and len(planned.unkeyed) <= MAX_STRAIGHT:
        return lines
    lines += ["static bool gr_holds_for(gr_context *c, unsigned rule) {", "    switch (rule) {"]
    for rule in planned.rules:
        if rule.is_open:
            lines += [f"    case {rule.position}:", f"        return gr_match_{rule.identifier}(c);"]
    return [*lines, "    default:", "        return false;", "    }", "}", ""]


def _combine(planned: NativePlan) -> list[str]:
    cases: list[str] = []
    stages: list[str] = []
    claims = boosts(planned.program)
    bits = None if are_whole(claims) else fraction_bits(claims)
    for position, rule in enumerate(planned.program.rules):
        lines = [line for claim in rule.claims for line in _claim(claim, rule.name, stages, bits)]
        if rule.stop and (cut := planned.program.cut(position)) < len(planned.rules):
            lines.append(f"end = {cut};")
        if lines:
            cases += [f"case {position}:", *_indented([*lines, "break;"])]
    head = "static void gr_combine(gr_context *c, gr_decision *d) {"
    if not cases:
        nothing = ["    (void)c;", "    (void)d;", "}", ""]
        return ["/* No rule claims anything. */", head, *nothing]
    body = ["unsigned end = GR_RULE_COUNT;", *(["gr_wide boost = {0, 0, false};"] if bits is not None else [])]
    body += ["(void)c;"]
    loop = ["unsigned rule = word << 6 | gr_first_bit(left);", "if (rule >= end) {"]
    loop += ["    d->matched.words[word] &= ~(UINT64_C(1) << (rule & 63));", "    continue;", "}"]
    loop += ["switch (rule) {", *cases, "default:", "    break;", "}"]
    body += ["for (unsigned word = 0; word < GR_RULE_WORDS; word++) {"]
    body += ["    for (uint64_t left = d->matched.words[word]; left != 0; left &= left - 1) {", *_indented(loop, 2)]
    body += ["    }", "}", *_bounds(planned, bits)]
    table = (
        ["static const gr_stage gr_stages[] = {", *[f"    {stage}," for stage in stages], "};", ""] if stages else []
    )
    return [*table, "/* Apply what the matching rules claim, the weightiest first. */", head, *_indented(body), "}", ""]


def _claim(claim: NativeClaim, rule: str, stages: list[str], bits: int | None) -> list[str]:
    value = real(claim.value)
    match claim.target:
        case "prefetch_factor":
            return [f"if (d->prefetch_factor > {value}) {{", f"    d->prefetch_factor = {value};", "}"]
        case "delay" if claim.jitter:
            jittered = f"gr_jittered({value}, {real(claim.jitter)}, c->t->id)"
            return [f"d->delay = fmax(d->delay, {jittered});"]
        case "delay":
            return [f"if (d->delay < {value}) {{", f"    d->delay = {value};", "}"]
        case "priority_boost" if bits is None:
            return [f"d->priority_boost += {value};"]
        case "priority_boost":
            assert bits is not None
            high, low, is_negative = scale_claim(claim, bits)
            wide = f"{{UINT64_C(0x{high:x}), UINT64_C(0x{low:x}), {str(is_negative).lower()}}}"
            return [f"boost = gr_wide_plus(boost, (gr_wide){wide});"]
        case "max_bandwidth":
            return [
                f"if (!(d->max_bandwidth > 0) || d->max_bandwidth > {value}) {{",
                f"    d->max_bandwidth = {value};",
                "}",
            ]
        case "max_concurrency":
            whole = int(claim.value)
            test = f"if (d->max_concurrency == 0 || d->max_concurrency > {whole}) {{"
            return [test, f"    d->max_concurrency = {whole};", "}"]
        case "paused":
            return ["d->paused = true;"]
        case _:
            area = "NULL" if claim.area is None else literal(claim.area)
            stages.append(f"{{{area}, {value}, {literal(claim.on_full)}, {literal(rule)}}}")
            place = f"&gr_stages[{len(stages) - 1}]"
            return [f"if (d->stage == NULL && gr_at_least(c->t->size, {value})) {{", f"    d->stage = {place};", "}"]


def _bounds(planned: NativePlan, bits: int | None) -> list[str]:
    lines: list[str] = []
    most = real(planned.program.max_priority)
    if planned.targets("priority_boost"):
        lines += [f"d->priority_boost = gr_wide_float(boost, -{bits});"] if bits is not None else []
        lines += [f"d->priority_boost = fmax(-{most}, fmin({most}, d->priority_boost));"]
    if planned.targets("delay") or planned.targets("paused"):
        longest = real(planned.program.max_delay)
        lines += [f"double left = {longest} - gr_age_of(c->t->created, c->state->timestamp);"]
        lines += ["if (d->delay > left || left <= 0) {", "    d->delay = fmax(0, fmin(d->delay, left));"]
        lines += ["    d->paused = d->paused && left > 0;", "}"]
    return lines


def _on_gpu(planned: NativePlan) -> list[str]:
    cases: list[str] = []
    for rule in planned.rules:
        if rule.per_gpu:
            parts = [p for p in (rule.state, rule.open) if p is not None]
            tests = [*(["gr_uses(c->w, g->index)"] if rule.of_workload else [])]
            tests += [_call(p.name, p.per_gpu) for p in parts]
            cases += [f"case {rule.position}:", f"    return {' && '.join(tests) or 'true'};"]
    return [
        "/* Whether a rule holds on a GPU; a rule that reads no GPU holds on none. */",
        "static bool gr_on_gpu(gr_context *c, int rule, const gr_gpu *g) {",
        "    (void)c;",
        "    (void)g;",
        *_indented(["switch (rule) {", *cases, "default:", "    return false;", "}"]),
        "}",
        "",
    ]
