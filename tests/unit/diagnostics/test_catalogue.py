import re

import pytest

from gpurules.diagnostics import CATALOGUE, Code, Severity, code_candidates

GROUPS = set("0123456789")


@pytest.mark.parametrize("code", CATALOGUE.values(), ids=lambda c: c.code)
def test_every_code_is_named_and_explained(code: Code) -> None:
    assert re.fullmatch(r"GPR\d{3}", code.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code.name)
    assert code.kind and code.summary and code.avoid and code.prefer and code.why
    assert isinstance(code.severity, Severity)


def test_no_name_is_used_twice() -> None:
    names = [code.name for code in CATALOGUE.values()]
    assert len(names) == len(set(names))


def test_a_selector_with_letters_for_digits_has_one_candidate() -> None:
    assert code_candidates("gpr2O1") == ("GPR201",)
    assert set(code_candidates("unknown-feild")) == {*CATALOGUE, *(code.name for code in CATALOGUE.values())}
