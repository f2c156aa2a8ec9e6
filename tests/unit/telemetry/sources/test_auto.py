"""Choosing the first source that works."""

import pytest

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import TelemetryError, TelemetryStarting, TelemetryUnavailable
from gpurules.telemetry.sources.auto import Auto

WELL = Snapshot(gpus=(GPU(index=0, uuid="GPU-a"),))
NO_GPU = Snapshot(driver_version="580.1")


class Reader:
    """Answers with the items of *answers*, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.closed = 0

    def read(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        self.closed += 1


def auto(**readers):
    return Auto({name: lambda name=name: LiveSource(name, readers[name]) for name in readers}, 5.0, clock=lambda: 0.0)


def test_the_first_that_works_is_taken_and_the_reasons_of_the_others_are_kept():
    nvml = Reader(TelemetryError("no driver"))
    source = auto(nvml=nvml, smi=Reader(WELL), amd=Reader(WELL))
    assert source.read().gpus == WELL.gpus
    assert (source.name, source.chosen, source.reasons) == ("auto (smi)", "smi", {"nvml": "no driver"})
    assert nvml.closed == 1


def test_it_stays_with_what_it_took():
    nvml = Reader(TelemetryError("no driver"), WELL)
    source = auto(nvml=nvml, smi=Reader(WELL, TelemetryError("busy"), WELL))
    source.read()
    with pytest.raises(TelemetryError, match="busy"):
        source.read()
    assert source.read().gpus
    assert source.chosen == "smi"


def test_after_failing_for_long_another_is_looked_for():
    source = auto(nvml=Reader(TelemetryError("no driver"), WELL), smi=Reader(WELL, TelemetryError("gone")))
    source.read()
    for _ in range(5):
        with pytest.raises(TelemetryError, match="gone"):
            source.read()
    source.read()
    assert source.chosen == "nvml"


def test_when_none_works_it_says_why_of_each():
    source = auto(nvml=Reader(TelemetryError("no driver")), smi=Reader(TelemetryUnavailable("no program")))
    with pytest.raises(TelemetryUnavailable, match="nvml: no driver; smi: no program"):
        source.read()
    assert source.chosen is None


def test_it_tries_again_when_none_worked():
    source = auto(nvml=Reader(TelemetryError("no driver"), WELL))
    with pytest.raises(TelemetryUnavailable):
        source.read()
    assert source.read().gpus


def test_one_that_shows_no_gpu_is_taken_only_when_no_other_shows_any():
    source = auto(nvml=Reader(NO_GPU), amd=Reader(WELL))
    source.read()
    assert (source.chosen, source.reasons) == ("amd", {"nvml": "no GPU · driver 580.1"})
    source = auto(nvml=Reader(NO_GPU), amd=Reader(TelemetryError("no ROCm")))
    assert source.read().driver_version == "580.1"
    assert source.chosen == "nvml"


def test_one_that_is_still_starting_is_waited_for():
    source = auto(nvml=Reader(TelemetryStarting("starting"), WELL), smi=Reader(WELL))
    with pytest.raises(TelemetryStarting):
        source.read()
    source.read()
    assert source.chosen == "nvml"


def test_a_read_does_not_try_on_when_its_time_is_over():
    times = iter([0.0, 0.0, 9.0, 9.0, 9.0])
    readers = {"nvml": Reader(TelemetryError("no driver")), "smi": Reader(WELL)}
    source = Auto({n: lambda n=n: LiveSource(n, readers[n]) for n in readers}, 5.0, clock=lambda: next(times))
    with pytest.raises(TelemetryStarting, match="nvml: no driver"):
        source.read()
    source.read()
    assert source.chosen == "smi"


def test_what_is_sampled_is_passed_on():
    nvml = Reader(WELL)
    source = auto(nvml=nvml)
    source.sample({"gpu_power"})
    source.read()
    source.sample(None)
    source.read()
    assert [request.fields for request in nvml.requests] == [frozenset({"gpu_power"}), None]


def test_closing_closes_what_was_taken():
    nvml = Reader(WELL)
    source = auto(nvml=nvml)
    source.read()
    source.close()
    source.close()
    assert nvml.closed == 1
