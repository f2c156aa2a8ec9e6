import pytest

from gpurules.rules import Settings, Signal
from tests.factories import checked, ruleset


def test_the_settings_default_to_what_the_language_says() -> None:
    assert Settings() == Settings(
        poll_interval=5, stale_after=15, on_stale="release", timezone="UTC", max_delay=300, max_priority=100
    )


def test_only_shadow_is_a_shadow() -> None:
    rules = ruleset(
        "  - {name: a, condition: gpu_mig, action: pause_transfer, mode: shadow}\n"
        "  - {name: b, condition: gpu_mig, action: pause_transfer, mode: enforce}\n"
        "  - {name: c, condition: gpu_mig, action: pause_transfer}\n"
    )
    assert [rule.is_shadow for rule in rules.rules] == [True, False, False]


@pytest.mark.parametrize("change", [{"for_seconds": 5.0}, {"keep_for_seconds": 5.0}, {"name": "t"}, {"per_gpu": False}])
def test_a_signal_is_another_when_any_part_of_its_definition_is(change: dict[str, object]) -> None:
    base: dict[str, object] = {
        "name": "s",
        "text": "gpu_memory > 80",
        "condition": checked("gpu_memory > 80").term,
        "per_gpu": True,
    }
    assert Signal(**base).fingerprint == Signal(**base).fingerprint  # type: ignore[arg-type]
    assert Signal(**{**base, **change}).fingerprint != Signal(**base).fingerprint  # type: ignore[arg-type]
