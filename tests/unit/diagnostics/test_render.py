import json
from collections.abc import Callable

from gpurules.diagnostics import Diagnostic, Format, Location, Related, diagnostic_at, render
from gpurules.diagnostics.render import summary

SOURCE = """\
version: 1
rules:
  - name: prioritize_model_files
    condition: gpu_memroy > 80 AND file_type == 'modle'
    action: increase_priority
    parameters: {priority_boost: 50}
  - name: prioritize_model_files
    condition: gpu_memory > 16GiB
    action: pause_transfer
"""

UNKNOWN = diagnostic_at(
    "GPR101",
    "no field is named 'gpu_memroy'",
    "rules/a.yaml",
    Location(4, 16, 4, 26),
    "did you mean 'gpu_memory'?",
)
ENUM = diagnostic_at("GPR107", "'file_type' is never 'modle'", "rules/a.yaml", Location(4, 49, 4, 56), "write 'model'")
TWICE = Diagnostic(
    "GPR301",
    "two rules are named 'prioritize_model_files'",
    "rules/a.yaml",
    7,
    11,
    7,
    33,
    related=(Related("the first one", "rules/a.yaml", Location(3, 11, 3, 33)),),
)
BARE = diagnostic_at("GPR003", "a value is missing here", None, Location(1, 15, 1, 15))
FINDINGS = [TWICE, ENUM, UNKNOWN]


def sources(path: str | None) -> str | None:
    return {"rules/a.yaml": SOURCE, None: "gpu_memory > 80"}.get(path)


def test_full_shows_the_line_the_range_and_the_hint(golden: Callable[[str, str], None]) -> None:
    golden("diagnostics/full.txt", render(FINDINGS, Format.FULL, sources))


def test_full_in_color(golden: Callable[[str, str], None]) -> None:
    golden("diagnostics/full-color.txt", render(FINDINGS, Format.FULL, sources, color=True))


def test_concise_is_one_line_each(golden: Callable[[str, str], None]) -> None:
    golden("diagnostics/concise.txt", render(FINDINGS, Format.CONCISE, sources))


def test_json_is_for_programs(golden: Callable[[str, str], None]) -> None:
    golden("diagnostics/findings.json", render(FINDINGS, Format.JSON, sources))


def test_json_of_no_finding_is_still_a_report() -> None:
    assert json.loads(render([], Format.JSON)) == {
        "schema_version": 1,
        "summary": {"errors": 0, "warnings": 0, "infos": 0},
        "diagnostics": [],
    }


def test_findings_come_in_order_of_place() -> None:
    lines = render(FINDINGS, Format.CONCISE).splitlines()
    assert [line.split(": ")[1].split()[0] for line in lines] == ["GPR101", "GPR107", "GPR301"]


def test_a_bare_condition_has_a_place_too() -> None:
    drawn = render([BARE], Format.FULL, sources)
    assert "--> <condition>:1:15\n" in drawn
    assert " 1 | gpu_memory > 80\n   |               ^\n" in drawn


def test_a_source_that_cannot_be_read_leaves_the_words() -> None:
    drawn = render([UNKNOWN], Format.FULL)
    assert drawn == (
        "GPR101 unknown-field: no field is named 'gpu_memroy'\n"
        "  --> rules/a.yaml:4:16\n"
        "   = help: did you mean 'gpu_memory'?\n"
        "   = more: gpurules rule GPR101\n"
    )


def test_a_range_over_lines_says_where_it_ends() -> None:
    drawn = render([diagnostic_at("GPR402", "no action", "rules/a.yaml", Location(3, 5, 6, 37))], Format.FULL, sources)
    assert "^^^^ (to line 6)\n" in drawn


def test_a_place_past_the_end_of_the_file_is_said_without_a_picture() -> None:
    drawn = render([diagnostic_at("GPR402", "no rules", "rules/a.yaml", Location(99, 1, 99, 1))], Format.FULL, sources)
    assert "--> rules/a.yaml:99:1\n   = more" in drawn


def test_lines_end_as_positions_count_them() -> None:
    place = Location(3, 1, 3, 2)
    drawn = render(
        [diagnostic_at("GPR001", "x", "f", place)], Format.FULL, lambda path: "\ufeffa\rb\r\nc\x0bd\u2028e\n"
    )
    assert " 3 | c␋d<U+2028>e\n" in drawn


def test_a_text_of_the_users_cannot_command_the_terminal() -> None:
    evil = diagnostic_at("GPR401", "no key '\x1b[2J'", "a\nb.yaml", Location(1, 1, 1, 2))
    for format in (Format.FULL, Format.CONCISE):
        drawn = render([evil], format, lambda path: "\x1b[2J: 1")
        assert "\x1b" not in drawn
        assert "a␊b.yaml:1:1" in drawn


def test_the_summary_counts_in_words() -> None:
    assert summary(FINDINGS) == "2 errors, 1 warning"
    assert summary([]) == "no findings"
