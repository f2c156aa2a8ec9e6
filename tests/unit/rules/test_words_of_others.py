"""Keys, actions and values as other systems write them: the finding names what is written here."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import lints
from gpurules.linter.findings.fixing import fix

RULE = "  - {name: a, condition: gpu_memory > 80, action: delay_transfer, parameters: {delay: 30s}}\n"
TEXT = f"version: 1\nname: w\nrules:\n{RULE}"


def only(text: str) -> Diagnostic:
    (found,) = (d for d in lints(text, "x.yaml") if d.code in ("GPR401", "GPR402", "GPR403", "GPR501"))
    return found


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("delay", "delay_transfer"),
        ("pause", "pause_transfer"),
        ("stage", "stage_transfer"),
        ("boost", "increase_priority"),
        ("throttle", "limit_bandwidth"),
        ("notify", "webhook"),
        ("alert", "alertmanager"),
        ("mail", "email"),
        ("drain", "slurm"),
        ("k8s", "kubernetes"),
    ],
)
def test_a_word_of_an_action_is_answered_with_the_action(word: str, action: str) -> None:
    found = only(TEXT.replace("delay_transfer", word))
    assert (found.code, found.hint) == ("GPR501", f"did you mean {action!r}?")


@pytest.mark.parametrize("word", ["when", "if", "expr"])
def test_another_word_for_the_condition_is_put_right_on_request(word: str) -> None:
    text = TEXT.replace("condition", word)
    assert only(text).hint == "did you mean 'condition'?"
    assert fix(text, "x.yaml", lambda t: lints(t, "x.yaml"), False).text == text
    assert fix(text, "x.yaml", lambda t: lints(t, "x.yaml"), True).text == TEXT


@pytest.mark.parametrize("key", ["timezone: Europe/Oslo", "poll_interval: 5s", "max_delay: 1m"])
def test_a_setting_at_the_top_is_sent_to_the_settings(key: str) -> None:
    name = key.split(":")[0]
    found = only(TEXT.replace("rules:", f"{key}\nrules:"))
    assert (found.code, found.hint) == ("GPR401", f"write it under settings: settings.{name}")
    assert found.edits == ()


@pytest.mark.parametrize(("written", "meant"), [("50%", "0.5"), ("'12.5 %'", "0.125"), ("100%", "1")])
def test_a_percentage_for_a_share_is_written_as_the_share(written: str, meant: str) -> None:
    found = only(TEXT.replace("delay: 30s", f"delay: 30s, jitter: {written}"))
    assert (found.code, found.hint) == ("GPR403", f"write {meant}")
    assert [edit.replacement for edit in found.edits] == [meant]
