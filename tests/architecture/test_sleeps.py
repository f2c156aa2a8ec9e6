"""Tests do not sleep without a reason: they wait for an event, step an injected clock, or poll by ``tests.waiting``."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REMEDY = (
    "call tests.waiting.wait_until(condition), wait for an event or step an injected clock; "
    "if only real time will do, say why in a comment on the line or the line above"
)


def _unexplained(source: str) -> Iterator[int]:
    """Yield the lines of *source* with a call of a function ``sleep`` that no comment explains."""
    comments = {
        token.start[0] for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and len(token.string.split()) > 3
    }  # fmt: skip
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep"), lineno=line, end_lineno=end):
                if comments.isdisjoint({line - 1, line, end}):
                    yield line


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("time.sleep(1)\n", [1]),
        ("sleep(1)\n", [1]),
        ("async def f():\n    await asyncio.sleep(0)\n", [2]),
        ("time.sleep(1)  # noqa: X\n", [1]),
        ("# the device measures over real time\n\ntime.sleep(1)\n", [3]),
        ("time.sleep(1)  # the device measures over real time\n", []),
        ("# the device measures over real time\ntime.sleep(1)\n", []),
        ("call('time.sleep(1)')\n", []),
    ],
)
def test_a_sleep_needs_a_reason_beside_it(source: str, lines: list[int]) -> None:
    assert list(_unexplained(source)) == lines


def test_every_sleep_in_tests_says_why_real_time_must_pass() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: a sleep without a reason; {REMEDY}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path != ROOT / "tests/waiting.py"
        for line in _unexplained(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "\n".join(found)
