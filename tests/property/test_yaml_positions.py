"""Every decoded character of a scalar is traced to the source that it came from, in every style."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gpurules.rules.yaml.nodes import YamlMapping, YamlScalar, YamlSequence
from gpurules.rules.yaml.positions import decode, decode_block
from gpurules.rules.yaml.reader import read_yaml

BREAKS = ("\n", "\r\n", "\r", "\x85", "\u2028", "\u2029")


def check(source: str, scalar: YamlScalar) -> None:
    if scalar.style in ("|", ">"):
        decoded = decode_block(source, scalar.start, scalar.end, scalar.text)
    else:
        decoded = decode(source, scalar.start, scalar.end, scalar.style)
    assert decoded is not None
    assert decoded.text == scalar.text
    previous = 0
    for character, start, end in zip(scalar.text, decoded.starts, decoded.ends, strict=True):
        assert previous <= start < end
        previous = end
        written = source[start:end]
        if written != character:
            assert written == "''" or written[0] == "\\" or written in BREAKS
            assert character in (" ", "\n", "'") or written[0] == "\\"


def scalars(node: object) -> list[YamlScalar]:
    if isinstance(node, YamlMapping):
        return [*node.keys.values(), *(s for value in node.values.values() for s in scalars(value))]
    if isinstance(node, YamlSequence):
        return [s for item in node.items for s in scalars(item)]
    return [node] if isinstance(node, YamlScalar) else []


texts = st.text(st.sampled_from("ab '\"\\\t\n#:é😀-|>") | st.characters(codec="utf-8"), max_size=60)


@given(texts, st.sampled_from(["'", '"', "|", ">", ""]), st.integers(8, 60), st.booleans())
def test_whatever_is_dumped_is_traced(text, style, width, crlf):
    data = {"rules": [{"key": text}]}
    source = yaml.safe_dump(data, default_style=style, width=width, allow_unicode=True)
    if crlf:
        source = source.replace("\r", "").replace("\n", "\r\n")
    document = read_yaml(source)
    for scalar in scalars(document.root):
        check(source, scalar)


WORDS = (
    "a", "b c", " ", "  ", "\t", "\n", "\n ", "\n  ", "\n    ", "\r\n  ", "\n\n", "#", " #c", "''", '\\"', "\\n",
    "\\\n  ", "\\x41", "\\u00e9", "\\U0001F600", "\\ ", "\\\t", "é", "\u2028", "\x85", "\n   \n", "AND", ": ",
    "-", "\\\r\n ",
)  # fmt: skip
pieces = st.lists(st.sampled_from(WORDS), max_size=14).map("".join)
headers = st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", ">2", "|1-", ">+1", "| # c", ">-  # |+2"])
blocks = st.builds(lambda header, body: f"{header}\n{body}", headers, st.sampled_from(["", " ", "  ", "    "]).flatmap(
    lambda indent: pieces.map(lambda body: indent + body.replace("\n", "\n" + indent))
))  # fmt: skip
written = pieces | pieces.map(lambda t: f"'{t}'") | pieces.map(lambda t: f'"{t}"') | blocks


@example("|2\n     a\n\n    b\n", "a:\n  k: ")
@example(">\n\n    a\n   \n    b\n      c\n    d\n", "k: ")
@example('"a  \\\n   b\n\n  c"', "k: ")
@given(written, st.sampled_from(["k: ", "- ", "a:\n  k: ", "- - ", "\ufeff", "[", "é😀: &x "]))
def test_whatever_can_be_read_is_traced(text, before):
    source = f"{before}{text}" + ("]" if before == "[" else "")
    document = read_yaml(source)
    for scalar in scalars(document.root):
        check(document.source.text, scalar)


@given(written)
def test_whatever_is_written_gives_a_tree_or_a_problem(text):
    document = read_yaml(text)
    for problem in document.problems:
        assert problem.line >= 1
        assert problem.column >= 1


@pytest.mark.parametrize("style", ["'", '"'])
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
def test_a_replacement_is_spelled_as_the_style_wants(style, text):
    source = f"{style}x{style}"
    scalar = read_yaml(source).root
    assert isinstance(scalar, YamlScalar)
    replaced = read_yaml(f"{style}{scalar.spelling_of(text)}{style}")
    assert isinstance(replaced.root, YamlScalar)
    assert replaced.root.text == text
