"""Tables of a generated C file: file types, frameworks and case mapping."""

from collections.abc import Iterable, Mapping

from gpurules.backends.c.spelling import glob_table, literal
from gpurules.backends.native.casing import Casing
from gpurules.backends.native.detection import LONGEST, TABLES
from gpurules.backends.native.globs import glob_steps


def _lookup(name: str, table: Mapping[str, str]) -> list[str]:
    """Return the function that looks up a key, by length first."""
    by_length: dict[int, list[tuple[str, str]]] = {}
    for key, value in table.items():
        by_length.setdefault(len(key), []).append((key, value))
    lines = [f"static const char *gr_{name}(const char *key, size_t length) {{", "    switch (length) {"]
    for length, pairs in sorted(by_length.items()):
        lines.append(f"    case {length}:")
        for value in dict.fromkeys(value for _, value in pairs):
            tests = [f"memcmp(key, {literal(key)}, {length}) == 0" for key, of in pairs if of == value]
            joined = [f"            {test} ||" for test in tests[1:]]
            first = f"        if ({tests[0]}{' ||' if joined else ') {'}"
            lines += [first, *joined[:-1], *([joined[-1].removesuffix(" ||") + ") {"] if joined else [])]
            lines += [f"            return {literal(value)};", "        }"]
        lines.append("        break;")
    return [*lines, "    default:", "        break;", "    }", "    return NULL;", "}", ""]


def detection(used: Iterable[str], overrides: Iterable[tuple[str, str]]) -> list[str]:
    """Return the *used* tables for detecting the type and framework of a file."""
    wanted = set(used)
    lines: list[str] = []
    if "file_type" in wanted:
        lines += [*_lookup("type_of_suffix", TABLES["type_of_suffix"])]
        lines += [*_lookup("type_of_segment", TABLES["type_of_segment"]), *_file_type(list(overrides))]
    if "framework" in wanted:
        lines += [*_lookup("framework_of_suffix", TABLES["framework_of_suffix"]), *_FRAMEWORK]
    return lines


LONGEST_SUFFIX = LONGEST


def _file_type(overrides: list[tuple[str, str]]) -> list[str]:
    tables: list[str] = []
    tests: list[str] = []
    for number, (glob, kind) in enumerate(overrides, 1):
        tables += glob_table(glob, f"gr_file_glob_{number}")
        count, subject = len(glob_steps(glob)), "path" if "/" in glob else "name"
        tests += [f"    if (gr_glob(gr_file_glob_{number}, {count}, {subject})) {{", f"        return {literal(kind)};"]
        tests.append("    }")
    return [
        *tables,
        "/* The type of a file as its path says. */",
        "static const char *gr_detect_file_type(gr_text path) {",
        "    path = gr_truncated(path);",
        "    gr_text name = gr_base_name(path);",
        *tests,
        "    const char *found = gr_by_suffix(name, gr_type_of_suffix);",
        "    if (found == NULL) {",
        "        found = gr_by_segment(path, gr_type_of_segment);",
        "    }",
        '    return found == NULL ? "unknown" : found;',
        "}",
        "",
        "/* The type of the file: given, else as its path says. It is worked out once for a decision. */",
        "static inline gr_text gr_file_type(gr_context *c) {",
        "    if (c->t->file_type.length > 0) {",
        "        return c->t->file_type;",
        "    }",
        "    if (c->detected.data == NULL && c->t->path.data != NULL) {",
        "        c->detected = gr_string(gr_detect_file_type(c->t->path));",
        "    }",
        "    return c->detected;",
        "}",
        "",
    ]


_FRAMEWORK = [
    "/* The framework of the file: given, else of the workload, else as its path says. */",
    "static gr_text gr_framework(gr_context *c) {",
    "    if (c->t->framework.length > 0) {",
    "        return c->t->framework;",
    "    }",
    "    if (c->w->framework.length > 0) {",
    "        return c->w->framework;",
    "    }",
    "    if (c->t->path.data == NULL) {",
    "        return (gr_text){NULL, 0};",
    "    }",
    "    const char *found = gr_by_suffix(gr_base_name(gr_truncated(c->t->path)), gr_framework_of_suffix);",
    '    return gr_string(found == NULL ? "unknown" : found);',
    "}",
    "",
]
FILE_NAME = [
    "static gr_text gr_file_name(gr_context *c) {",
    "    return gr_base_name(c->t->path);",
    "}",
    "",
]
FILE_EXTENSION = [
    "/* The last suffix of the path with its dot, in lower case. */",
    "static gr_text gr_file_extension(gr_context *c) {",
    "    gr_text name = gr_base_name(c->t->path);",
    "    if (name.data == NULL) {",
    "        return name;",
    "    }",
    "    size_t dot = name.length;",
    "    while (dot > 0 && name.data[dot - 1] != '.') {",
    "        dot--;",
    "    }",
    "    if (dot < 2) {",
    '        return GR_LITERAL("");',
    "    }",
    "    return gr_change_case(c, (gr_text){name.data + dot - 1, name.length - dot + 1}, true);",
    "}",
    "",
]
CASES = [
    "GR_UNUSED static gr_text gr_lower_in(gr_context *c, gr_text text) {",
    "    return gr_change_case(c, text, true);",
    "}",
    "",
    "GR_UNUSED static gr_text gr_upper_in(gr_context *c, gr_text text) {",
    "    return gr_change_case(c, text, false);",
    "}",
    "",
]


def _ranges(name: str, ranges: Iterable[tuple[int, int, int, int]]) -> list[str]:
    rows = [f"{{{first}, {last}, {step}, {delta}}}" for first, last, step, delta in ranges]
    lines = [f"    {', '.join(rows[i : i + 4])}," for i in range(0, len(rows), 4)]
    return [f"static const gr_case_range gr_{name}[] = {{", *lines, "};", ""]


def _special(name: str, special: Iterable[tuple[int, str]]) -> list[str]:
    rows = [f"{{0x{point:04x}, {literal(text)}}}" for point, text in special]
    lines = [f"    {', '.join(rows[i : i + 4])}," for i in range(0, len(rows), 4)]
    return [f"static const gr_case_special gr_{name}[] = {{", *lines, "};", ""]


def casing_tables(casing: Casing) -> list[str]:
    """Return the tables of upper and lower case."""
    return [
        *_ranges("to_lower", casing.lower),
        *_special("to_lower_special", casing.lower_special),
        *_ranges("to_upper", casing.upper),
        *_special("to_upper_special", casing.upper_special),
        *_ranges("cased", casing.cased),
        *_ranges("case_ignorable", casing.ignorable),
    ]
