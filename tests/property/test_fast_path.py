"""What is checked at once is what the parser and the checker make of it: terms, places, types and names."""

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.fields import FIELDS, Scope, declared_field
from gpurules.language import Checked, Environment, Input, parse, parse_definition
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.model import Dimension, number
from gpurules.records import Record
from tests.cases import examples
from tests.strategies import TEXTS, conditions, literals

DECLARED = {"urgent": declared_field("urgent", "bool", scope=Scope.TRANSFER), "hour": declared_field("hour", "string")}
SIGNALS = {"hot": "gpu_temperature > 80 AND gpu_memory > 5", "quiet": "gpu_count == 0"}
DEFINITIONS = {"busy": "gpu_utilization > 80", "limit": "80%", "gpu_power": "5W"}


def environment() -> Environment:
    """Return an environment in which names hide others: a definition hides a field, a signal is ready, one is not."""
    made = Environment(
        {**FIELDS, **DECLARED},
        {name: parse_definition(text) for name, text in DEFINITIONS.items()},
        {name: parse(text) for name, text in SIGNALS.items()},
        {"share": Input(50, number(Dimension.PERCENT)), "gpu_fan_speed": Input(True, number(Dimension.NONE))},
    )
    made.signal("hot")
    return made


NAMES = [*FIELDS, *DECLARED, *SIGNALS, *DEFINITIONS, "share", "gpu_memry", "and", "Missing", "AND", "true", "not"]
UNITS = [
    "",
    "%",
    "MB",
    "MB/s",
    "C",
    "°C",
    "s",
    "h",
    "W",
    "ms",
    "mb",
    "Mbps",
    "q",
    "/s",
    "e5",
    "E",
    "µs",
    "AND",
    "_",
    ":30",
]
NUMBERS = ["0", "1", "85", "0.5", "007", "12.50", "1_000", "1e3", "9" * 19, "9" * 401, "5.", ".5", "-3"]
BLANKS = st.sampled_from(["", " ", "  ", "\n", "\t", "\r\n", " # it\n", "\u00a0", "\v"])


@st.composite
def links(draw: st.DrawFn) -> str:
    """Draw a comparison with a constant or a name, right or nearly so."""
    name, one, other = draw(st.sampled_from(NAMES)), draw(BLANKS), draw(BLANKS)
    if draw(st.integers(0, 4)) == 0:
        return one + name + other
    comparator = draw(st.sampled_from([*Comparator, "=", "<>", "= =", "!", "IS"]))
    quote = draw(st.sampled_from(["'", '"']))
    body = draw(st.sampled_from([*TEXTS, "a\\n", "a\\q", "x\ny", "AND", ""]))
    constants = [draw(st.sampled_from(NUMBERS)) + draw(st.sampled_from(UNITS)), f"{quote}{body}{quote}", "share"]
    constants.append(draw(literals(FIELDS[name].datatype.dimension if name in FIELDS else Dimension.NONE)))
    return f"{name}{one}{comparator}{other}{draw(st.sampled_from(constants))}{draw(BLANKS)}"


ANDS = st.sampled_from([" AND ", " and ", "&&", " aNd\n", "AND", "OR", " AND NOT ", " AND AND ", " ANDx "])
ORS = st.sampled_from([" OR ", " or ", "||", " oR\n", "OR", "AND", " OR NOT ", " ORx "])


@st.composite
def joined(draw: st.DrawFn) -> str:
    """Draw links with something between them, some in parentheses, and sometimes something after them."""
    ands, ors = draw(st.sampled_from([(ANDS, ORS), (ANDS, ORS), (ORS, ANDS), (ORS, ORS)]))
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        part = draw(links())
        if draw(st.integers(0, 2)) == 0:
            for _ in range(draw(st.integers(0, 2))):
                part += draw(ors) + draw(links())
            part = f"({part}" + draw(st.sampled_from([")", ")", ")", " )\n", "", "))"]))
        parts += [draw(ands), part] if parts else [part]
    text = "".join(parts)
    return text + draw(st.sampled_from(["", "", "", " ", " AND", " ||", ")", " # end", ";"]))


def agrees(checked: Checked | None, text: str) -> bool:
    """Assert that what was checked at once is what is parsed and checked; return whether it was."""
    wanted = environment().condition(parse(text))
    if checked is None:
        return False
    assert not wanted.findings, text
    assert checked == wanted
    assert located(checked.term) == located(wanted.term)
    return True


def located(term: ir.Term) -> object:
    """Return all that a term holds, places and spellings included."""

    def reported(value: object) -> object:
        if isinstance(value, Record):
            return (type(value), *[reported(getattr(value, field.name)) for field in fields(value)])  # type: ignore[arg-type]
        return tuple(reported(part) for part in value) if isinstance(value, tuple) else (type(value), value)

    return reported(term)


@settings(max_examples=examples(400))
@given(joined())
def test_a_text_that_is_checked_at_once_is_checked_as_ever(text: str) -> None:
    agrees(environment().try_fast_path(text), text)


@settings(max_examples=examples(200))
@given(conditions())
def test_any_condition_that_is_checked_at_once_is_checked_as_ever(text: str) -> None:
    agrees(environment().try_fast_path(text), text)


@settings(max_examples=examples(100))
@given(st.lists(joined(), min_size=2, max_size=6))
def test_what_was_learnt_from_one_text_holds_for_the_next(texts: list[str]) -> None:
    shared = environment()
    for text in texts:
        agrees(shared.try_fast_path(text), text)


def test_usual_conditions_are_checked_at_once() -> None:
    for text in (
        "gpu_memory > 57 AND file_type == 'model' AND transfer_size > 345MB",
        "gpu_temperature >= 80.5C",
        'hot && operation != "write"',
        "urgent",
        "\n  gpu_memory<80%\n  and transfer_age > 30s\n",
        "gpu_pcie_rx > 200MB/s",
        "gpu_memory > 57 AND (file_type == 'model' OR transfer_priority > 5) AND transfer_size > 345MB",
        "(gpu_memory > 90 || hot)",
        "gpu_memory > 90 OR gpu_temperature > 80 OR (urgent) OR (hot OR gpu_count == 0)",
    ):
        assert agrees(environment().try_fast_path(text), text), text
