"""A YAML text as tokens with places: a second door to PyYAML, as its parser forgets where the punctuation stood."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import yaml

from gpurules.errors import GpurulesError


class FormatError(GpurulesError):
    """A text cannot be formatted; it stays as it is."""


class TokenKind(StrEnum):
    """What a token is."""

    BLOCK_MAPPING = "BlockMappingStartToken"
    BLOCK_SEQUENCE = "BlockSequenceStartToken"
    BLOCK_END = "BlockEndToken"
    FLOW_MAPPING = "FlowMappingStartToken"
    FLOW_SEQUENCE = "FlowSequenceStartToken"
    FLOW_MAPPING_END = "FlowMappingEndToken"
    FLOW_SEQUENCE_END = "FlowSequenceEndToken"
    FLOW_ENTRY = "FlowEntryToken"
    BLOCK_ENTRY = "BlockEntryToken"
    KEY = "KeyToken"
    VALUE = "ValueToken"
    SCALAR = "ScalarToken"
    ANCHOR = "AnchorToken"
    ALIAS = "AliasToken"
    TAG = "TagToken"
    DIRECTIVE = "DirectiveToken"
    DOCUMENT_START = "DocumentStartToken"
    DOCUMENT_END = "DocumentEndToken"


OPENERS = frozenset({TokenKind.FLOW_MAPPING, TokenKind.FLOW_SEQUENCE})
CLOSERS = frozenset({TokenKind.FLOW_MAPPING_END, TokenKind.FLOW_SEQUENCE_END})


@dataclass(frozen=True, slots=True)
class Token:
    """A token of YAML.

    ``style`` is that of a scalar: empty for a plain one, else one of ``' " | >``. Of a block scalar, ``end`` is where
    its last line that is not blank ends; with ``keeps_breaks`` the blank lines after it belong to it.
    Units: offsets in code points; ``column`` counts from 0.
    """

    kind: TokenKind
    start: int
    end: int
    column: int
    style: str = ""
    keeps_breaks: bool = False


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of *text*.

    Raises:
        FormatError: the text is not YAML, or has keys that start with ``?``.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while loader.check_token():
            token = loader.get_token()
            name = type(token).__name__
            if name in ("StreamStartToken", "StreamEndToken"):
                continue
            kind, start, end = TokenKind(name), token.start_mark.index, token.end_mark.index
            if kind is TokenKind.KEY and end > start:
                raise FormatError("keys that start with ? are not formatted")
            style = str(getattr(token, "style", None) or "")
            style = style if style in ("'", '"', "|", ">") else ""
            keeps = False
            if style in ("|", ">"):
                end = start + len(text[start:end].rstrip())
                keeps = "+" in text[start:end].partition("\n")[0].partition("#")[0]
            yield Token(kind, start, end, token.start_mark.column, style, keeps)
    except yaml.YAMLError as error:
        raise FormatError(f"the file is not YAML: {getattr(error, 'problem', None) or error}") from None
    finally:
        loader.dispose()
