"""The door to logging, as a program sees it that has gpurules as a library."""

import io
import logging

import pytest

from gpurules.logs import LineFormatter, logger

FORGED = "x\n12:00:00 ERROR   disk is gone\r\x1b[2J\x9b31m\u202e\u2066\x00\ud800"
COMMANDS = "\r\x1b\x9b\u202e\u2066\x00\ud800\u2028"


class Weird:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.fixture
def seen():
    """What another package's plain handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger("gpurules")
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


@pytest.mark.parametrize(
    "arguments", [(FORGED,), (ValueError(FORGED),), ([FORGED],), (FORGED.encode("utf-8", "replace"),)]
)
def test_a_value_from_outside_forges_no_line(seen, arguments):
    logger("gpurules.test").warning("it failed: %s", *arguments)
    assert seen.getvalue().count("\n") == 1
    assert not set(seen.getvalue()) & set(COMMANDS)


def test_a_message_without_arguments_forges_none_either(seen):
    logger("gpurules.test").warning(FORGED)
    assert seen.getvalue().count("\n") == 1


def test_named_arguments_are_made_visible(seen):
    logger("gpurules.test").warning("%(name)s of %(count)d", {"name": FORGED, "count": 3})
    assert seen.getvalue().count("\n") == 1
    assert seen.getvalue().endswith(" of 3\n")


def test_every_line_of_a_traceback_is_indented_and_visible(seen):
    try:
        raise ValueError(FORGED)
    except ValueError:
        logger("gpurules.test").exception("it failed")
    first, *rest = seen.getvalue().splitlines()
    assert first == "it failed"
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert not set(seen.getvalue()) & set(COMMANDS)


def test_the_record_itself_is_clean_and_keeps_its_template_and_numbers():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("gpurules").addHandler(handler)
    try:
        logger("gpurules.test").warning("%s of %d and %.1f", FORGED, 7, 2.5)
    finally:
        logging.getLogger("gpurules").removeHandler(handler)
    (record,) = records
    assert record.msg == "%s of %d and %.1f"
    assert record.args[1:] == (7, 2.5)
    assert "\n" not in record.args[0]


def test_a_value_whose_text_cannot_be_made_does_not_stop_the_caller(seen):
    logger("gpurules.test").warning("it is %s", Weird())
    assert "Weird" in seen.getvalue()


def test_a_very_long_value_is_cut(seen):
    logger("gpurules.test").warning("it is %s", "x" * 10**6)
    assert len(seen.getvalue()) < 5000


def test_the_formatter_cleans_what_a_plug_in_logs_by_itself():
    record = logging.LogRecord("gpurules.plugin", logging.INFO, "x", 1, "got %s", (FORGED,), None)
    assert "\n" not in LineFormatter("%(message)s").format(record)
