"""Tables of a generated Go package: file types, frameworks and case mapping."""

from collections.abc import Iterable, Mapping

from gpurules.backends.go.spelling import literal
from gpurules.backends.native.casing import Casing
from gpurules.backends.native.detection import LONGEST, TABLES, by_value
from gpurules.backends.native.identifiers import lower_camel


def _switch(name: str, table: Mapping[str, str]) -> list[str]:
    lines = [f"func {lower_camel(name)}(key []byte) string {{", "\tswitch string(key) {"]
    for value, keys in by_value(table).items():
        rows = [keys[i : i + 8] for i in range(0, len(keys), 8)]
        texts = [", ".join(literal(key) for key in row) for row in rows]
        lines.append(f"\tcase {texts[0]}{',' if len(texts) > 1 else ':'}")
        lines += [f"\t\t{text}," for text in texts[1:-1]]
        lines += [f"\t\t{texts[-1]}:"] if len(texts) > 1 else []
        lines.append(f"\t\treturn {literal(value)}")
    return [*lines, "\t}", '\treturn ""', "}", ""]


def detection(used: Iterable[str], overrides: Iterable[tuple[str, str]]) -> list[str]:
    """Return the *used* tables for detecting the type and framework of a file."""
    wanted = set(used)
    lines = [f"const longestSuffix = {LONGEST}", ""]
    if "file_type" in wanted:
        lines += [*_switch("type_of_suffix", TABLES["type_of_suffix"])]
        lines += [*_switch("type_of_segment", TABLES["type_of_segment"]), *_file_type(list(overrides))]
    if "framework" in wanted:
        lines += [*_switch("framework_of_suffix", TABLES["framework_of_suffix"]), *_FRAMEWORK]
    return lines


def _file_type(overrides: list[tuple[str, str]]) -> list[str]:
    globs = [f"var fileGlob{n} = compileGlob({literal(glob)})" for n, (glob, _) in enumerate(overrides, 1)]
    tests = []
    for number, (glob, kind) in enumerate(overrides, 1):
        subject = "path" if "/" in glob else "name"
        tests += [f"\tif matchGlob(fileGlob{number}, String({subject})) {{", f"\t\treturn {literal(kind)}", "\t}"]
    return [
        *globs,
        *([""] if globs else []),
        "// detectFileType returns the type of a file as its path says.",
        "func detectFileType(path string) string {",
        "\tpath = truncated(path)",
        "\tname := baseName(path)",
        *tests,
        '\tif found := bySuffix(name, typeOfSuffix); found != "" {',
        "\t\treturn found",
        "\t}",
        '\tif found := bySegment(path, typeOfSegment); found != "" {',
        "\t\treturn found",
        "\t}",
        '\treturn "unknown"',
        "}",
        "",
        "// fileType returns the type of the file: given, else as its path says. It is worked out once for a decision.",
        "func (c *context) fileType() Text {",
        '\tif c.t.FileType.s != "" || !c.t.Path.known {',
        '\t\treturn Text{c.t.FileType.s, c.t.FileType.s != ""}',
        "\t}",
        "\tif !c.detected.known {",
        "\t\tc.detected = String(detectFileType(c.t.Path.s))",
        "\t}",
        "\treturn c.detected",
        "}",
        "",
    ]


_FRAMEWORK = [
    "// framework returns the framework of the file: given, else of the workload, else as its path says.",
    "func (c *context) framework() Text {",
    '\tif c.t.Framework.s != "" {',
    "\t\treturn c.t.Framework",
    "\t}",
    '\tif c.w.Framework.s != "" || !c.t.Path.known {',
    '\t\treturn Text{c.w.Framework.s, c.w.Framework.s != ""}',
    "\t}",
    '\tif found := bySuffix(baseName(truncated(c.t.Path.s)), frameworkOfSuffix); found != "" {',
    "\t\treturn String(found)",
    "\t}",
    '\treturn String("unknown")',
    "}",
    "",
]
FILE_NAME = [
    "func (c *context) fileName() Text {",
    "\treturn Text{baseName(c.t.Path.s), c.t.Path.known}",
    "}",
    "",
]
FILE_EXTENSION = [
    "// fileExtension returns the last suffix of the path with its dot, in lower case.",
    "func (c *context) fileExtension() Text {",
    "\tname := baseName(c.t.Path.s)",
    "\tdot := strings.LastIndexByte(name, '.')",
    "\tif dot <= 0 {",
    '\t\treturn Text{"", c.t.Path.known}',
    "\t}",
    "\treturn Text{lower(String(name[dot:])).s, c.t.Path.known}",
    "}",
    "",
]


def _ranges(name: str, ranges: Iterable[tuple[int, int, int, int]]) -> list[str]:
    rows = [f"{{{first}, {last}, {step}, {delta}}}" for first, last, step, delta in ranges]
    lines = [f"\t{', '.join(rows[i : i + 4])}," for i in range(0, len(rows), 4)]
    return [f"var {name} = []caseRange{{", *lines, "}", ""]


def _special(name: str, special: Iterable[tuple[int, str]]) -> list[str]:
    rows = [f"0x{point:04x}: {literal(text)}" for point, text in special]
    lines = [f"\t{row}," for row in rows]
    return [f"var {name} = map[rune]string{{", *lines, "}", ""]


def casing_tables(casing: Casing) -> list[str]:
    """Return the tables of upper and lower case."""
    return [
        *_ranges("toLower", casing.lower),
        *_special("toLowerSpecial", casing.lower_special),
        *_ranges("toUpper", casing.upper),
        *_special("toUpperSpecial", casing.upper_special),
        *_ranges("cased", casing.cased),
        *_ranges("caseIgnorable", casing.ignorable),
    ]
