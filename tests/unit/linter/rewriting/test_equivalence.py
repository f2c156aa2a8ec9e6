"""A fix is safe only where it is proved to keep the meaning."""

from gpurules.diagnostics import Edit, Span
from gpurules.language import Environment
from gpurules.linter.rewriting.equivalence import FixWork, preserves_meaning
from gpurules.rules import examine
from gpurules.rules.building.expression import Placed

TEXT = "version: 1\nname: x\nrules:\n  - {name: a, condition: 'gpu_memory > 80', action: pause_transfer}\n"


def placed() -> Placed:
    (one,) = examine(TEXT, "x.yaml").placed
    return one


def test_no_edit_keeps_every_meaning_and_takes_no_work() -> None:
    work = FixWork(left=0)
    assert preserves_meaning(placed(), (), Environment(), work)
    assert preserves_meaning(placed(), (), None, work)
    assert not work.is_capped


def test_an_edit_that_changes_the_limit_keeps_it_not() -> None:
    assert not preserves_meaning(placed(), (Edit(Span(13, 15), "81"),), Environment(), FixWork())
    assert preserves_meaning(placed(), (Edit(Span(13, 15), "80%"),), Environment(), FixWork())
