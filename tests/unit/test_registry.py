"""The nearest name for a wrong one."""

from gpurules.registry import did_you_mean, nearest


def test_of_very_many_names_the_nearest_are_found_all_the_same() -> None:
    names = [f"{word}_{n}" for word in ("memory", "power", "clock", "queue") for n in range(2000)]
    assert nearest("memroy_17", names) == ("memory_17",)
    assert nearest("pwer_1999", names) == ("power_1999",)
    assert did_you_mean("zebra", names) is None
