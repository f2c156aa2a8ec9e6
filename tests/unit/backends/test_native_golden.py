"""The source that the shipped ruleset ``coordinator`` becomes, approved as a reviewer of Go or C would read it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gpurules.backends.c import CBackEnd
from gpurules.backends.go import GoBackEnd
from gpurules.rules import load
from gpurules.rules.native import native_program, native_schema


def files(target: str) -> dict[str, str]:
    ruleset = load("gpurules:coordinator")
    back_end = GoBackEnd() if target == "go" else CBackEnd()
    program, refused = native_program(ruleset, back_end.check)
    assert not refused
    return dict(back_end.files(program, "rules" if target == "go" else "gr", native_schema(ruleset)))


@pytest.mark.parametrize(("target", "name"), [("go", "rules.go"), ("go", "state.go"), ("c", "gr.h"), ("c", "gr.c")])
def test_the_source_is_as_approved(target: str, name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{target}/coordinator_{name}.txt", files(target)[name])


def test_the_same_ruleset_gives_the_same_bytes() -> None:
    assert files("go") == files("go")
    assert files("c") == files("c")


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="gofmt is not installed")
def test_the_go_source_is_as_gofmt_has_it(tmp_path: Path) -> None:
    for name, text in files("go").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(["gofmt", "-l", "."], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("", 0)


def test_what_looks_like_our_prefix_in_a_users_text_stays() -> None:
    from gpurules.rules import loads

    ruleset = loads(
        "version: 1\nname: x\nrules:\n- {name: gr_x, condition: \"path == 'gr_y'\", action: pause_transfer}\n"
    )
    program, _ = native_program(ruleset, CBackEnd().check)
    text = CBackEnd().files(program, "our", native_schema(ruleset))["our.c"]
    assert '"\\147r_x"' in text
    assert 'GR_LITERAL("\\147r_y")'.replace("GR_", "OUR_") in text
    assert "our_bind" in text


@pytest.mark.parametrize("back_end", [GoBackEnd(), CBackEnd()], ids=["go", "c"])
def test_only_the_age_of_this_instant_is_counted_on_by_readers(back_end: GoBackEnd | CBackEnd) -> None:
    from gpurules.rules import loads

    for condition, is_aged in (("max_over_time(telemetry_age[1m]) > 5s", False), ("telemetry_age > 5s", True)):
        ruleset = loads(
            f'version: 1\nname: x\nrules:\n- {{name: old, condition: "{condition}", action: pause_transfer}}\n'
        )
        program, _ = native_program(ruleset, back_end.check)
        text = "".join(back_end.files(program, "gr", native_schema(ruleset)).values())
        assert ("a rule reads how old the telemetry is" in text) is is_aged
