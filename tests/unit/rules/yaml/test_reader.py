"""Reading YAML: what is wrong with a file is reported with its place, and nothing crashes or hangs."""

from itertools import pairwise

import pytest
import yaml

from gpurules.rules.yaml import reader as yaml_reader
from gpurules.rules.yaml.nodes import YamlMapping, YamlScalar, YamlSequence
from gpurules.rules.yaml.reader import MAX_BYTES, YamlDocument, read_yaml


def found(document: YamlDocument) -> list[tuple[str, int, int]]:
    return [(d.code, d.line, d.column) for d in document.problems]


def plain(node: object) -> object:
    match node:
        case YamlScalar():
            return node.text
        case YamlSequence():
            return [plain(item) for item in node.items]
        case YamlMapping():
            return {key: plain(value) for key, value in node.values.items()}
        case _:
            return node


def test_scalars_are_texts_as_written() -> None:
    document = read_yaml("a: on\nb: 22:00\nc: ~\nd: 0x10\ne: 'x''y'\non: [1, TRUE]\n")
    assert plain(document.root) == {"a": "on", "b": "22:00", "c": "~", "d": "0x10", "e": "x'y", "on": ["1", "TRUE"]}


def test_json_is_read_as_it_is() -> None:
    assert plain(read_yaml('{"a": {"b": [1, null, "\\u00e9"]}}').root) == {"a": {"b": ["1", "null", "é"]}}


def test_a_byte_order_mark_does_not_count_as_a_column() -> None:
    document = read_yaml(b"\xef\xbb\xbfa: 1\na: 2\n")
    assert found(document) == [("GPR002", 2, 1)]
    assert list(plain(document.root)) == ["a"]


def test_an_empty_file_has_no_root_and_no_problem() -> None:
    assert read_yaml("# nothing\n").root is None
    assert not read_yaml("# nothing\n").problems


def test_a_duplicate_key_is_reported_with_both_places() -> None:
    document = read_yaml("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert found(document) == [("GPR002", 5, 3)]
    (related,) = document.problems[0].related
    assert (related.location.line, related.location.column) == (3, 3)
    assert plain(document.root) == {"a": "1", "b": {"c": "1", "d": "2"}}


def test_merge_keys_give_what_is_not_there_and_earlier_ones_win() -> None:
    document = read_yaml("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\n")
    assert plain(document.root)["z"] == {"a": "0", "b": "2", "c": "4"}
    z = document.root.values["z"]
    assert [(own.text, merged.location().line) for own, merged in z.hidden] == [("a", 1)]


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert plain(read_yaml("a: {'<<': 5}").root) == {"a": {"<<": "5"}}


def test_an_alias_stands_where_its_anchor_stands() -> None:
    document = read_yaml("a: &x  # here\n  gpu_memory > 80\nb: *x\n")
    place = document.root.values["b"].location()
    assert (place.line, place.column, place.end_column) == (2, 3, 18)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a:\n\t- b", "GPR001", 2, 1),
        ("a: 'x", "GPR001", 1, 4),
        ("a: [1, 2", "GPR001", 1, 4),
        ("a: b: c", "GPR001", 1, 5),
        ("a: @b", "GPR001", 1, 4),
        ("é: *b", "GPR001", 1, 4),
        ("a: 1\n---\nb: 2\n", "GPR001", 2, 1),
        ("[a]: b", "GPR001", 1, 1),
        ("a: !!python/object:os.system x", "GPR001", 1, 4),
        ("a: !secret x", "GPR001", 1, 4),
        ("a: {<<: 5}", "GPR001", 1, 9),
        ("é: \x00", "GPR001", 1, 4),
        ("é: \x07", "GPR001", 1, 4),
        ("a: &a [*a]", "GPR009", 1, 8),
        ("a: &a {b: {c: *a}}", "GPR009", 1, 15),
    ],
)
def test_invalid_yaml_is_reported_with_its_place(text: str, code: str, line: int, column: int) -> None:
    assert (code, line, column) in found(read_yaml(text))


@pytest.mark.parametrize(
    "text", ["['a': 1, 'b': 2]", "a: !!str 5\nb: !!seq [1]", "&x a: *x", "? a\n: b", "%YAML 1.1\n---\na: b\n"]
)
def test_odd_but_harmless_yaml_is_read(text: str) -> None:
    assert not read_yaml(text).problems


def test_bytes_that_are_not_utf8_are_reported_with_their_offset() -> None:
    document = read_yaml("version: 1\nname: café\n".encode("latin-1"))
    assert found(document) == [("GPR010", 2, 10)]
    assert "offset 20" in document.problems[0].message


def test_a_lone_surrogate_is_not_utf8() -> None:
    assert found(read_yaml("a: \ud800")) == [("GPR010", 1, 4)]


def test_utf16_is_not_utf8() -> None:
    assert found(read_yaml("a: b".encode("utf-16"))) == [("GPR010", 1, 1)]


def test_ten_mebibytes_are_enough() -> None:
    assert found(read_yaml(b"#" * (MAX_BYTES + 1))) == [("GPR009", 1, 1)]
    assert not read_yaml(b"#" * MAX_BYTES).problems


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "[a, " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "\n".join(" " * depth + "a:" for depth in range(3_000)),
        "\n".join(" " * depth + "- a:" for depth in range(0, 6_000, 2)),
    ],
    ids=lambda text: text[:4],
)
def test_deep_nesting_is_a_finding(text: str) -> None:
    assert [d.code for d in read_yaml(text).problems] == ["GPR009"]


def test_nesting_through_aliases_counts_too() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    assert [d.code for d in read_yaml(chain).problems] == ["GPR009"]


@pytest.mark.parametrize("merges", [False, True])
def test_an_alias_bomb_is_a_finding(merges: bool) -> None:
    names = "abcdefghijkl"
    if merges:
        lines = [f"{n}: &{n} {{{n}1: *{p}, {n}2: *{p}, {n}3: *{p}, {n}4: *{p}}}" for p, n in pairwise(names)]
        text = "a: &a {x: 1}\n" + "\n".join(lines)
    else:
        lines = [f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]" for p, n in pairwise(names)]
        text = "a: &a lol\n" + "\n".join(lines)
    assert [d.code for d in read_yaml(text).problems] == ["GPR009"]


def test_many_values_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_NODES", 1000)
    assert [d.code for d in read_yaml("[" + "1," * 1000 + "]").problems] == ["GPR009"]


def test_carriage_returns_end_lines() -> None:
    assert found(read_yaml("a: 1\r\nb: 2\r\na: 3\r\n")) == [("GPR002", 3, 1)]


def test_columns_count_code_points() -> None:
    assert found(read_yaml("{😀é: 1, a: 1, a: 2}")) == [("GPR002", 1, 15)]


def test_without_libyaml_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, 'b c']\nb: {<<: {c: |\n   d\n  e}, f: *x}\n".replace("|\n   d\n  e", '"d"')
    fast = plain(read_yaml(text).root)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert plain(read_yaml(text).root) == fast
    assert found(read_yaml("é: \x07")) == [("GPR001", 1, 4)]
    assert found(read_yaml("a:\n\t- b")) == [("GPR001", 2, 1)]
