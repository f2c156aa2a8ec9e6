"""What nvidia-smi -q says, as XML and as text."""

import re

import pytest

from gpurules.telemetry import TelemetryError, replay
from gpurules.telemetry.formats.nvidia.smi_xml import parse

MIB = 1 << 20
XML = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
<timestamp>Sat Apr 25 12:00:{second:02d} 2026</timestamp>
<gpu id="0"><uuid>GPU-a</uuid><fan_speed>7 %</fan_speed>{body}</gpu>
</nvidia_smi_log>
"""


@pytest.fixture
def play(tmp_path):
    def player(text):
        path = tmp_path / "gpu"
        path.write_text(text)
        source = replay(path)
        return list(source), source

    return player


def board(play, body):
    (snapshot,), _ = play(XML.format(second=0, body=body))
    return snapshot.gpus[0]


HEALTH = """
<pci><replay_counter>4</replay_counter><pci_gpu_link_info>
<pcie_gen><max_link_gen>5</max_link_gen><current_link_gen>1</current_link_gen></pcie_gen>
<link_widths><max_link_width>16x</max_link_width><current_link_width>8x</current_link_width></link_widths>
</pci_gpu_link_info></pci>
<temperature><gpu_temp_max_mem_threshold>95 C</gpu_temp_max_mem_threshold></temperature>
<ecc_errors><volatile><sram_correctable>1</sram_correctable><sram_uncorrectable_parity>2</sram_uncorrectable_parity>
<sram_uncorrectable_secded>3</sram_uncorrectable_secded><dram_correctable>4</dram_correctable>
<dram_uncorrectable>5</dram_uncorrectable></volatile></ecc_errors>
<remapped_rows><remapped_row_corr>6</remapped_row_corr><remapped_row_unc>7</remapped_row_unc>
<remapped_row_pending>Yes</remapped_row_pending><remapped_row_failure>No</remapped_row_failure></remapped_rows>
<retired_pages><multiple_single_bit_retirement><retired_count>8</retired_count></multiple_single_bit_retirement>
<double_bit_retirement><retired_count>9</retired_count></double_bit_retirement>
<pending_retirement>No</pending_retirement></retired_pages>
<fabric><state>Completed</state><status>Success</status></fabric>
"""


def test_the_health_of_a_gpu_is_read(play):
    gpu = board(play, HEALTH)
    assert (gpu.pcie_replays, gpu.pcie_gen, gpu.pcie_gen_max, gpu.pcie_width, gpu.pcie_width_max) == (4, 1, 5, 8, 16)
    assert (gpu.memory_temperature_limit, gpu.fabric_state) == (95, "completed")
    assert (gpu.ecc_errors, gpu.ecc_errors_sram, gpu.ecc_errors_dram) == (10, 5, 5)
    assert (gpu.ecc_errors_corrected, gpu.ecc_errors_corrected_sram, gpu.ecc_errors_corrected_dram) == (5, 1, 4)
    assert (gpu.rows_remapped_correctable, gpu.rows_remapped_uncorrectable) == (6, 7)
    assert (gpu.row_remap_pending, gpu.row_remap_failure) == (True, False)
    assert (gpu.retired_pages, gpu.retired_pages_single_bit, gpu.retired_pages_double_bit) == (17, 8, 9)
    assert gpu.retired_pages_pending is False


def test_health_that_is_not_available_is_missing_with_its_reason(play):
    gpu = board(play, re.sub(r">[^<>\n]+<", ">N/A<", HEALTH))
    for name in ("row_remap_pending", "row_remap_failure", "retired_pages_pending", "pcie_width", "pcie_replays"):
        assert (getattr(gpu, name), gpu.missing[name]) == (None, "n/a")
    assert (gpu.retired_pages, gpu.ecc_errors_corrected, gpu.fabric_state, gpu.status) == (None, None, None, "ok")


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [("Completed", "Unknown Error", "failed"), ("In Progress", "N/A", "in_progress"), ("what", "Success", None)],
)
def test_a_fabric_is_as_far_as_it_says(play, state, status, expected):
    gpu = board(play, f"<fabric><state>{state}</state><status>{status}</status></fabric>")
    assert gpu.fabric_state == expected


def test_documents_one_after_the_other_are_snapshots(play):
    snapshots, _ = play("".join(XML.format(second=second, body="") for second in (0, 5, 10)))
    assert [snapshot.timestamp - snapshots[0].timestamp for snapshot in snapshots] == [0, 5, 10]


def test_a_torn_document_is_a_problem_and_passed_over(play):
    text = XML.format(second=0, body="") + XML.format(second=5, body="<fan_speed>") + XML.format(second=9, body="")
    snapshots, source = play(text)
    assert (len(snapshots), source.problem_count) == (2, 1)


def test_entities_that_could_expand_without_bound_are_refused():
    bomb = '<!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;">]><nvidia_smi_log>&d;</nvidia_smi_log>'
    with pytest.raises(TelemetryError, match="defines entities"):
        parse(bomb)


def test_uncorrected_errors_are_summed_over_the_memories_that_report_any(play):
    body = (
        "<ecc_errors><volatile><sram_uncorrectable_parity>1</sram_uncorrectable_parity>"
        "<sram_uncorrectable_secded>2</sram_uncorrectable_secded><dram_uncorrectable>4</dram_uncorrectable>"
        "<dram_correctable>100</dram_correctable></volatile></ecc_errors>"
    )
    assert board(play, body).ecc_errors == 7
    assert board(play, body.replace("1<", "N/A<").replace("2<", "N/A<").replace("4<", "N/A<")).ecc_errors is None


def test_no_processes_is_0_and_no_list_is_missing(play):
    assert board(play, "<processes>\n</processes>").process_count == 0
    assert board(play, "<processes>N/A</processes>").process_count is None
    assert board(play, "").process_count is None


def test_a_gpu_that_is_lost_is_so_in_the_xml_too(play):
    lost = board(play, "<temperature><gpu_temp>GPU is lost</gpu_temp></temperature>")
    assert (lost.status, lost.healthy, lost.temperature) == ("lost", False, None)


TEXT = """
==============NVSMI LOG==============

Timestamp                                 : Sat Apr 25 12:00:00 2026
Driver Version                            : 590.48.01

Attached GPUs                             : 2
GPU 00000000:00:09.0
    Product Name                          : NVIDIA A100
    GPU UUID                              : GPU-a
    Clocks Event Reasons
        SW Power Cap                      : Not Active
        HW Slowdown                       : Active
            HW Thermal Slowdown           : Active
            HW Power Brake Slowdown       : Not Active
        SW Thermal Slowdown               : Not Active
    FB Memory Usage
        Total                             : 40960 MiB
        Used                              : 4096 MiB
    Processes
        Process ID                        : 5
            Name                          : a b : c
            Used GPU Memory               : 7 MiB
GPU 00000000:00:0A.0
    GPU UUID                              : GPU-b
    Temperature
        GPU Current Temp                  : N/A
"""


def test_the_text_says_the_same_as_the_xml(play):
    (snapshot,), _ = play(TEXT)
    first, second = snapshot.gpus
    assert (first.index, first.uuid, first.memory, first.memory_total) == (0, "GPU-a", 10, 40960 * MIB)
    assert (first.throttle_thermal, first.throttle_power) == (True, False)
    assert [(p.pid, p.name, p.memory_used) for p in first.processes] == [(5, "a b : c", 7 * MIB)]
    assert (second.index, second.uuid, second.temperature) == (1, "GPU-b", None)
    assert snapshot.driver_version == "590.48.01"
