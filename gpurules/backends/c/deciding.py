"""The functions of a generated C file that bind a state, decide, and combine what rules claim."""

import re
from collections.abc import Iterable, Sequence

from gpurules.backends.c.spelling import CSpelling, literal, render
from gpurules.backends.c.statements import CStatements, indent
from gpurules.backends.native.deciding import CaseFunction, Cases, Deciding, rows
from gpurules.backends.native.program import MAX_STRAIGHT, Key, NativePlan
from gpurules.fields import Scope

_DECIDE = [
    "void gr_decide(const gr_bound *bound, const gr_transfer *transfer, const gr_workload *workload,",
    "               gr_decision *decision) {",
]

_FITTING = [
    "/* Whether a rule matches, and all that it looked at was read in full. */",
    "static inline bool gr_fitting(gr_context *c, bool matches) {",
    "    bool fits = !c->is_overlong;",
    "    c->was_overlong = c->was_overlong || !fits;",
    "    c->is_overlong = false;",
    "    return matches && fits;",
    "}",
    "",
]


def deciding(planned: NativePlan, spelling: CSpelling) -> list[str]:
    """Return the functions ``gr_bind``, ``gr_decide`` and those that they call."""
    parts = Deciding(planned, CStatements(spelling.changes_case))
    return [
        *_context_of(planned, spelling.changes_case),
        *_combine(parts),
        *_bind(parts, spelling.changes_case),
        *[line for function in parts.match_functions() for line in render(function, "inline ")],
        *_holds(parts),
        *_keyed(planned),
        *_decide(parts, spelling),
        *_on_gpu(parts),
    ]


def _function(head: str, body: Sequence[str], unused: Sequence[str] = ("c",)) -> list[str]:
    """Return a function; arguments that its body may not use are cast to void."""
    text = "\n".join(body)
    quiet = [f"(void){name};" for name in unused if not _uses(text, name)]
    return [f"{head} {{", *indent([*quiet, *body]), "}", ""]


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def _context_of(planned: NativePlan, changes_case: bool) -> list[str]:
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
        *(["    c.used = 0;", "    c.is_overlong = c.was_overlong = false;"] if changes_case else []),
        "    return c;",
        "}",
        "",
        *(_FITTING if changes_case else []),
    ]


def _bind(parts: Deciding, changes_case: bool) -> list[str]:
    frame = CaseFunction(
        "bind",
        lambda name, body: _function(f"static void gr_{name}(gr_bound *bound, gr_context *c)", body),
        ("bound", "c"),
    )
    functions, lines = parts.in_parts(frame, parts.bindings())
    body = ["memset(bound, 0, sizeof *bound);", "bound->state = state;", "bound->start.prefetch_factor = 1;"]
    body += ["bound->start.snapshot_time = state->timestamp.f;"]
    body += ["gr_context context = gr_context_of(bound, NULL, NULL), *c = &context;"]
    body += [f"bound->{f.name} = gr_{f.name}(c);" for f in parts.planned.output.held.values()]
    body += [*lines, *(["bound->start.overlong = c->was_overlong;"] if changes_case else [])]
    body += ["bound->settled = bound->start;", "gr_combine(c, &bound->settled);"]
    return [*functions, *_function("void gr_bind(gr_bound *bound, const gr_state *state)", body, ())]


def _decide(parts: Deciding, spelling: CSpelling) -> list[str]:
    planned, depends = parts.planned, _depends(parts)
    loop = [
        "    unsigned rule = *at;",
        f"    if (gr_has(&bound->open, (int)rule) && {parts.say.fits('gr_holds_for(c, rule)')}) {{",
        "        gr_set(&matched, rule);",
        "    }",
        "}",
    ]
    tests = parts.matching()
    if parts.is_looped:
        tests = [f"for (const uint16_t *at = gr_unkeyed; at < gr_unkeyed + {len(planned.unkeyed)}; at++) {{", *loop]
    for number, key in enumerate(planned.keys, 1):
        subject = (spelling.transfer if key.field.scope is Scope.TRANSFER else spelling.workload)(key.field)
        tests += [f"gr_list list_{number} = gr_key_{number}({subject});"]
        tests += [
            f"for (const uint16_t *at = list_{number}.rules; at < list_{number}.rules + list_{number}.count; at++) {{"
        ]
        tests += loop
    if not tests and not depends:
        return _function("\n".join(_DECIDE)[:-2], ["*decision = bound->settled;"], ("transfer", "workload"))
    lines = ["if (bound->start.basis != GR_FRESH) {", "    *decision = bound->start;", "    return;", "}"]
    lines += ["gr_context context = gr_context_of(bound, transfer, workload), *c = &context;"]
    lines += ["gr_rules matched = bound->start.matched;", *tests]
    settled = "gr_same_rules(&matched, &bound->start.matched)"
    lines += [f"bool is_settled = {settled}{' && !gr_depends_on_transfer(&matched)' if depends else ''};"]
    lines += ["*decision = is_settled ? bound->settled : bound->start;"]
    lines += ["if (!is_settled) {", "    decision->matched = matched;", "    gr_combine(c, decision);", "}"]
    if spelling.changes_case:
        lines += ["if (c->was_overlong) {", "    decision->overlong = true;", "}"]
    return [*depends, *_function("\n".join(_DECIDE)[:-2], lines, ())]


def _depends(parts: Deciding) -> list[str]:
    tests = [f"(rules->words[{number}] & UINT64_C(0x{word:x})) != 0" for number, word in parts.depends_words()]
    if not tests:
        return []
    return [
        "/* Whether what the rules claim depends on the transfer. */",
        *_function(
            "static bool gr_depends_on_transfer(const gr_rules *rules)",
            [f"return {(' ||' + chr(10) + '           ').join(tests)};"],
            (),
        ),
    ]


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
    return [f"static const uint16_t {name}[] = {{", *indent([f"{row}," for row in rows(positions)]), "};", ""]


def _key(number: int, key: Key) -> list[str]:
    """Return the lookup of rules by a string: a search in its values, sorted by bytes."""
    values = sorted(key.rules, key=lambda value: value.encode("utf-8", "surrogatepass"))
    lists: list[str] = []
    entries: list[str] = []
    for place, value in enumerate(values):
        name = f"gr_key_{number}_{place}"
        lists += _list(name, key.rules[value])
        entries.append(f"    {{{{{literal(value)}, {len(value.encode('utf-8', 'surrogatepass'))}}}, "
                    f"{{{name}, {len(key.rules[value])}}}}},")  # fmt: skip
    return [
        *lists,
        f"/* The rules that a value of {key.field.name} leaves. */",
        f"static gr_list gr_key_{number}(gr_text text) {{",
        "    static const struct {",
        "        gr_text value;",
        "        gr_list list;",
        "    } table[] = {",
        *[f"    {row}" for row in entries],
        "    };",
        f"    size_t low = 0, high = text.data == NULL ? 0 : {len(entries)};",
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


def _holds(parts: Deciding) -> list[str]:
    if not parts.planned.keys and not parts.is_looped:
        return []
    head = "static bool gr_{}(gr_context *c, unsigned rule)"
    frame = CaseFunction(
        "holds_for", lambda name, body: _function(head.format(name), body), ("c", "rule"), "return false;"
    )
    return parts.by_rule(frame, parts.holding())


def _combine(parts: Deciding) -> list[str]:
    is_scaled = parts.bits is not None
    cases = parts.claiming("boost", "end") if parts.is_unrolled else parts.claiming("s->boost", "s->end")
    comment = "/* Apply what the matching rules claim, the weightiest first. */"
    head = "static inline void gr_combine(gr_context *c, gr_decision *d)"
    if not cases:
        return ["/* No rule claims anything. */", *_function(head, [], ("c", "d"))]
    table = ["static const gr_stage gr_stages[] = {", *indent([f"{stage}," for stage in parts.stages]), "};", ""]
    total, before = "boost", [] if not is_scaled else ["gr_wide boost = {0, 0, false};"]
    body, functions = parts.unroll(cases), []
    if not parts.is_unrolled:
        total = "s->boost"
        functions, before, body = _claims(parts, cases), *_loop(is_scaled)
    ends = [f"d->priority_boost = gr_wide_float({total}, -{parts.bits});"] if is_scaled else []
    body = [*before, *body, *ends, *parts.bounds()]
    return [*(table if parts.stages else []), *functions, comment, *_function(head, body)]


def _claims(parts: Deciding, cases: Cases) -> list[str]:
    """Return the functions that apply the claims of each rule."""
    kind = ["    unsigned end;", *(["    gr_wide boost;"] if parts.bits is not None else [])]
    kind = [
        "/* The first rule that a stop cuts off, and what is added up. */",
        "typedef struct {",
        *kind,
        "} gr_claims;",
        "",
    ]
    head = "static void gr_{}(gr_context *c, gr_decision *d, unsigned rule, gr_claims *s)"
    frame = CaseFunction(
        "claim", lambda name, body: _function(head.format(name), body, ("c", "d", "s")), ("c", "d", "rule", "s")
    )
    return [*kind, *parts.by_rule(frame, cases)]


def _loop(is_scaled: bool) -> tuple[list[str], list[str]]:
    """Return the loop over the matching rules, and the statements before it."""
    start = "{GR_RULE_COUNT, {0, 0, false}}" if is_scaled else "{GR_RULE_COUNT}"
    inside = [
        "unsigned rule = word << 6 | gr_first_bit(left);",
        "if (rule >= s->end) {",
        "    d->matched.words[word] &= ~(UINT64_C(1) << (rule & 63));",
        "} else {",
        "    gr_claim(c, d, rule, s);",
        "}",
    ]
    inside = ["for (uint64_t left = d->matched.words[word]; left != 0; left &= left - 1) {", *indent(inside), "}"]
    loop = ["for (unsigned word = 0; word < GR_RULE_WORDS; word++) {", *indent(inside), "}"]
    return [f"gr_claims claims = {start}, *s = &claims;"], loop


def _on_gpu(parts: Deciding) -> list[str]:
    head = "static bool gr_{}(gr_context *c, int rule, const gr_gpu *g)"
    frame = CaseFunction(
        "on_gpu",
        lambda name, body: _function(head.format(name), body, ("c", "rule", "g")),
        ("c", "rule", "g"),
        "return false;",
    )
    comment = "/* Whether a rule holds on a GPU; a rule that reads no GPU holds on none. */"
    return [comment, *parts.by_rule(frame, parts.on_gpu())]
