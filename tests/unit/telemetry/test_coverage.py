"""What each source and format can give: a reader that gives more than the table says makes the table wrong."""

from pathlib import Path

import pytest

from gpurules.model.gpu import FLAGS, NUMBERS
from gpurules.telemetry import replay
from gpurules.telemetry.coverage import never_given, sources_giving
from gpurules.telemetry.formats.amd import amd_smi, rocm_smi
from gpurules.telemetry.formats.intel import xpu_smi
from gpurules.telemetry.formats.nvidia import query_fields
from gpurules.telemetry.formats.prometheus import all_smi, dcgm, nvidia_gpu_exporter
from gpurules.telemetry.nvml.readings import READINGS
from gpurules.telemetry.playback import FORMATS
from tests.property.test_recording_mutations import FORMS

EVERY = (*NUMBERS, *FLAGS)


class Source:
    """Only the name and the format of a source."""

    def __init__(self, name: str, form: str = "") -> None:
        self.name = name
        self.format = form


@pytest.mark.parametrize("name", FORMS)
def test_no_recording_gives_what_its_format_is_said_never_to_give(tmp_path: Path, name: str) -> None:
    (tmp_path / "recording").write_text(FORMS[name].text)
    source = replay(tmp_path / "recording", **dict(FORMS[name].options))
    given = {attribute for s in source for gpu in s.gpus for attribute in EVERY if getattr(gpu, attribute) is not None}
    assert given
    assert not never_given(source, given)


@pytest.mark.parametrize(
    ("source", "attributes"),
    [
        (Source("replay:x", "nvidia-smi -q -x XML"), [q.attribute for q in query_fields.QUANTITIES]),
        (Source("nvidia-smi"), [q.attribute for q in query_fields.QUANTITIES]),
        (Source("dcgm"), dcgm.METRICS),
        (Source("replay:x", "nvidia_gpu_exporter text"), nvidia_gpu_exporter.METRICS),
        (Source("replay:x", "all-smi text"), [attribute for attribute, _, _ in all_smi._FIELDS.values()]),
        (Source("xpu-smi"), [q.attribute for q in xpu_smi.QUANTITIES.values()]),
        (Source("replay:x", "xpu-smi dump CSV"), [q.attribute for q in xpu_smi.QUANTITIES.values()]),
        (Source("amd"), [q.attribute for q in amd_smi._QUANTITIES]),
        (Source("replay:x", "rocm-smi JSON"), [q.attribute for q in rocm_smi._QUANTITIES]),
        (Source("nvml"), [attribute for reading in READINGS for attribute in reading.attributes]),
    ],
    ids=lambda value: getattr(value, "format", "") or getattr(value, "name", ""),
)
def test_every_attribute_in_the_table_of_a_reader_can_be_given(source: Source, attributes: list[str]) -> None:
    assert never_given(source, attributes) == frozenset()


def test_every_format_but_the_own_one_is_in_the_table() -> None:
    unknown = [known.name for known in FORMATS if not never_given(Source("replay:x", known.name), EVERY)]
    assert unknown == ["gpurules JSONL"]


@pytest.mark.parametrize("name", ["synthetic:gpus=4", "scrape", "own-plugin"])
def test_of_a_source_that_is_not_in_the_table_nothing_is_said(name: str) -> None:
    assert never_given(Source(name), EVERY) == frozenset()


def test_the_age_of_an_xid_error_comes_from_nvml_and_dcgm() -> None:
    assert sources_giving("xid_age") == ("nvml", "dcgm")
    assert never_given(Source("nvidia-smi"), ["xid_age", "power"]) == {"xid_age"}
