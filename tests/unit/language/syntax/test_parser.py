"""Text to syntax tree: what is read, where it stands, and how reading goes on after a mistake."""

import threading

import pytest

from gpurules.language import parse, parse_definition
from gpurules.language.syntax import nodes
from gpurules.language.syntax.nodes import And, Comparator, Compare, Name, Not, Or, Quantity, TextOperator
from gpurules.language.terms.printer import show


def tree(text: str) -> nodes.Definition:
    found = parse(text)
    assert found.findings == ()
    assert found.tree is not None
    return found.tree


def mistakes(text: str) -> list[tuple[str, str]]:
    """Return code and text of the place of each finding."""
    return [(f.code, text[f.span.start : f.span.end]) for f in parse(text).findings]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a and b", "a AND b"),
        ("a && b || c", "a AND b OR c"),
        ("!a", "NOT a"),
        ("not a", "NOT a"),
        ("a = 1", "a == 1"),
        ("a <> 1", "a != 1"),
        ("a IS not missing", "a IS NOT MISSING"),
        ("a in ('x' , \"y\",)", "a IN ('x', 'y')"),
        ("a Not In names", "a NOT IN names"),
        ("a between 1 and 2 and b", "a BETWEEN 1 AND 2 AND b"),
        ("a contains 'x'", "a CONTAINS 'x'"),
        ("a matches '^x'", "a MATCHES '^x'"),
        ("1<a<=2", "1 < a <= 2"),
        ("-a+-1*2", "-a + -1 * 2"),
        ("f( a,b )", "f(a, b)"),
        ("g()", "g()"),
        ("avg_over_time(a[ 1m ])>1", "avg_over_time(a[1m]) > 1"),
        ("true OR False", "TRUE OR FALSE"),
        ("a # remark\n AND b", "a AND b"),
        ("a\r\n\tAND\r b", "a AND b"),
        ("'it\\'s' == a", '"it\'s" == a'),
        ("a == '\\u00e9\\n'", "a == 'é\\n'"),
        ("gpu_memory > 80%", "gpu_memory > 80%"),
        ("t == 22:00", "t == 22:00"),
        ("a > 100MB/s", "a > 100MB/s"),
        ("x > 100MB/sum(a)", "x > 100MB / sum(a)"),
        ("((a))", "((a))"),
    ],
)
def test_every_spelling_has_a_canonical_one(text: str, canonical: str) -> None:
    assert show(tree(text)) == canonical
    assert show(tree(canonical)) == canonical


def test_or_is_looser_than_and_and_not_is_looser_than_comparison() -> None:
    found = tree("NOT a == 1 OR b AND c")
    assert isinstance(found, Or)
    first, second = found.parts
    assert isinstance(first, Not) and isinstance(first.operand, Compare)
    assert isinstance(second, And)


def test_times_is_tighter_than_plus_and_minus_is_tightest() -> None:
    found = tree("a == 1 + 2 * -b")
    assert isinstance(found, Compare)
    total = found.rest[0][1]
    assert isinstance(total, nodes.Sum)
    product = total.rest[0][1]
    assert isinstance(product, nodes.Product)
    assert isinstance(product.rest[0][1], nodes.Negative)


def test_a_chain_is_one_comparison() -> None:
    found = tree("70 <= gpu_memory < 90")
    assert isinstance(found, Compare)
    assert [comparator for comparator, _ in found.rest] == [Comparator.LE, Comparator.LT]


def test_keywords_are_words_of_their_own() -> None:
    assert tree("android AND notable AND inner AND is_missing AND orbit") == And(
        tuple(Name(n, span=tree(n).span) for n in ("android", "notable", "inner", "is_missing", "orbit")),
        span=tree("a").span,
    )


def test_names_keep_their_case() -> None:
    assert tree("GPU_Memory") == Name("GPU_Memory", span=tree("x").span)


@pytest.mark.parametrize("word", list(TextOperator))
def test_every_text_operator_can_be_negated(word: TextOperator) -> None:
    found = tree(f"path not {word.lower()} 'x'")
    assert isinstance(found, nodes.TextTest)
    assert (found.operator, found.negated) == (word, True)


def test_positions_count_code_points() -> None:
    found = tree("path == 'é🙂' AND gpu_memory > 80")
    assert isinstance(found, And)
    assert (found.parts[1].span.start, found.parts[1].span.end) == (17, 32)


def test_a_number_keeps_its_spelling_and_has_its_value() -> None:
    found = tree("x > 1_000.50KB")
    assert isinstance(found, Compare)
    number = found.rest[0][1]
    assert isinstance(number, Quantity)
    assert (number.spelling, number.value) == ("1_000.50KB", 1_024_512)


def test_a_list_stands_only_in_a_definition() -> None:
    found = parse_definition("['a', 'b',]").tree
    assert isinstance(found, nodes.ListLiteral)
    assert [m.value for m in found.members if isinstance(m, nodes.Text)] == ["a", "b"]
    assert mistakes("['a']")[0][0] == "GPR003"


def test_a_definition_may_be_any_expression() -> None:
    assert isinstance(parse_definition("80% * gpu_memory_total").tree, nodes.Product)
    assert isinstance(parse_definition("[-1, 2s]").tree, nodes.ListLiteral)


# mistakes


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("gpu_memory >", ""),
        ("gpu_memory > > 80", ">"),
        ("(gpu_memory > 80", ""),
        ("gpu_memory > 80)", ")"),
        ("gpu_memory 80", "80"),
        ("AND gpu_memory > 80", "AND"),
        ("gpu_memory > 80 AND", ""),
        ("a IN ()", ")"),
        ("a BETWEEN 1 OR 2", "OR"),
        ("a IS 5", "5"),
        ("x == 'abc", "'abc"),
        ("a.b > 1", "."),
        ("f(1,)", ")"),
        ("a > 1 b > 2", "b"),
        ("gpu_memory % 5 > 1", "%"),
    ],
)
def test_a_mistake_stands_at_its_word(text: str, place: str) -> None:
    assert mistakes(text) == [("GPR003", place)]


@pytest.mark.parametrize(
    ("text", "place", "written"),
    [
        ("path =~ 'x'", "=~", "MATCHES"),
        ("a === 1", "===", "=="),
        ("a !== 1", "!==", "!="),
        ("a => 1", "=>", ">="),
        ("a =< 1", "=<", "<="),
        ("a & b", "&", "AND"),
        ("a | b", "|", "OR"),
        ("~a", "~", "NOT"),
        ("a ≥ 1", "≥", ">="),
    ],
)
def test_an_operator_of_another_language_is_answered_with_ours(text: str, place: str, written: str) -> None:
    (found,) = parse(text).findings
    assert (found.code, text[found.span.start : found.span.end]) == ("GPR004", place)
    assert found.hint == f"write {written}"
    assert [edit.replacement for edit in found.edits] == [written]


@pytest.mark.parametrize("slip", [">>", "<<"])
def test_a_comparison_that_is_doubled_is_a_mistake_at_its_place_and_not_an_operator(slip: str) -> None:
    (found,) = parse(f"gpu_memory {slip} 80").findings
    assert (found.code, found.span.start, found.span.end) == ("GPR003", 11, 13)
    assert found.hint == f"to compare, write {slip[0]}"
    assert found.edits == ()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("gpu_power == NULL", None),
        ("gpu_memory > 80 %", None),
        ("gpu_memory > 100 MB", "a unit directly follows its number: 100MB"),
        ("file_type IN ['a']", "a list is written in parentheses: IN ('a', 'b')"),
        ("file_type IN 'a'", "a list is written in parentheses: IN ('a')"),
        ("path LIKE 'x'", "write GLOB"),
    ],
)
def test_a_usual_slip_has_a_hint(text: str, hint: str | None) -> None:
    findings = parse(text).findings
    if hint is not None:
        assert findings[0].hint == hint


@pytest.mark.parametrize(
    ("text", "character"),
    [("gpu_memory\u00a0> 80", "\u00a0"), ("gpu\u200b_memory > 80", "\u200b"), ("path == “x”", "“"), ("a − 1 > 0", "−")],
)
def test_invisible_and_look_alike_characters_are_found_and_can_be_fixed(text: str, character: str) -> None:
    found = parse(text).findings[0]
    assert (found.code, text[found.span.start : found.span.end]) == ("GPR007", character)
    assert found.edits and found.safe


def test_a_homoglyph_in_a_name_is_reported_by_its_code_point() -> None:
    (found,) = parse("gpu_mem\u043ery > 80").findings
    assert "U+043E" in found.message


def test_every_wrong_unit_is_found_in_one_go() -> None:
    text = "transfer_size > 100mb AND gpu_temperature > 85X"
    assert mistakes(text) == [("GPR116", "100mb"), ("GPR116", "85X")]
    assert parse(text).tree is not None


def test_one_mistake_does_not_hide_those_beyond_the_next_and_or_or() -> None:
    found = parse("gpu_memory > > 80 AND path == 'x' OR gpu_temperature == == 5 AND (a > 1 AND b)")
    assert [f.code for f in found.findings] == ["GPR003", "GPR003"]
    assert [show(f) for f in found.fragments] == ["path == 'x'", "(a > 1 AND b)"]


def test_recovery_does_not_split_a_between() -> None:
    found = parse("a > > 1 AND b BETWEEN 1 AND 2 AND c")
    assert [show(f) for f in found.fragments] == ["b BETWEEN 1 AND 2", "c"]


def test_fragments_stand_where_they_stand_in_the_whole() -> None:
    text = "a > > 1\n  AND gpu_memory > 80"
    (fragment,) = parse(text).fragments
    assert text[fragment.span.start : fragment.span.end] == "gpu_memory > 80"


def test_a_wrong_escape_stands_at_the_escape() -> None:
    assert mistakes(r"path == 'C:\data'") == [("GPR003", r"\d")]


def test_texts_are_parsed_by_many_threads_at_once() -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for round in range(50):
            text = f"gpu_memory > {number} AND transfer_size > {round}mb"
            found = parse(text)
            if [f.message for f in found.findings] != ["'mb' is not a unit"] or f"> {number} " not in show(found.tree):  # type: ignore[arg-type]
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
