"""Recordings that are damaged: a mutated line gives the same values, missing ones, or a refusal; never another number.

Digits themselves are left alone, since no reader can know that a digit was another one. ``MUTATIONS=5000`` in the
environment tries more of them than the usual number.
"""

import json
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpurules.telemetry import Replay, TelemetryError, replay
from gpurules.telemetry.formats.intel import xpu_smi
from gpurules.telemetry.formats.json_documents import parse_json
from tests.cases import representative

MUTATIONS = int(os.environ.get("MUTATIONS", "25"))
MIB = 1 << 20
START, STEP, POLLS, GPUS = 1_777_118_400, 5, 4, 2
TOTAL = 81559
Facts = dict[str, float]


def facts(poll: int, gpu: int) -> Facts:
    """Return readings of which none comes twice."""
    n = 1 + GPUS * poll + gpu
    return {"utilization": 40 + n, "temperature": 60 + n, "power": 100.25 + n, "memory_used": (700 + n) * MIB}


EXPECTED = {(START + STEP * poll, gpu): facts(poll, gpu) for poll in range(POLLS) for gpu in range(GPUS)}
ROWS = [(at, gpu, reported) for (at, gpu), reported in EXPECTED.items()]


def stamp(at: int, form: str = "%Y/%m/%d %H:%M:%S.000") -> str:
    return time.strftime(form, time.gmtime(at))


def smi_csv(mark: str = ", ", units: bool = True, heads: bool = False, names: bool = True) -> str:
    unit = {"%": " %", "W": " W", "MiB": " MiB"} if units else dict.fromkeys(("%", "W", "MiB"), "")
    columns = ["timestamp", "index", "uuid", "name", "utilization.gpu [%]", "memory.used [MiB]", "power.draw [W]"]
    lines: list[str] = []
    for at, gpu, reported in ROWS:
        power = f"{reported['power']:.2f}".replace(".", "," if mark == ";" else ".")
        cells = [stamp(at), f"{gpu}", f"GPU-{'ab'[gpu]}", "NVIDIA T4"] if names else []
        cells += [f"{reported['utilization']}{unit['%']}", f"{reported['memory_used'] // MIB}{unit['MiB']}"]
        if not lines or (heads and gpu == 0):
            lines.append(mark.join([*(columns if names else columns[4:]), "temperature.gpu"]))
        lines.append(mark.join([*cells, f"{power}{unit['W']}", f"{reported['temperature']}"]))
    return "\n".join([*lines, ""])


def jsonl() -> str:
    polls = (
        {
            "timestamp": at,
            "gpus": [{"index": gpu, "uuid": f"GPU-{'ab'[gpu]}", **EXPECTED[at, gpu]} for gpu in range(GPUS)],
        }
        for at in sorted({at for at, _ in EXPECTED})
    )
    return "".join(json.dumps(poll) + "\n" for poll in polls)


def polls() -> list[tuple[int, list[Facts]]]:
    return [(at, [EXPECTED[at, gpu] for gpu in range(GPUS)]) for at in sorted({at for at, _ in EXPECTED})]


def boards(template: str, gpus: list[Facts]) -> str:
    """Return the text of every GPU by *template*, which has places for index, letter and the four readings."""
    return "".join(
        template.format(
            n + 1,
            "ab"[n],
            reported["memory_used"] // MIB,
            reported["utilization"],
            reported["temperature"],
            reported["power"],
        )
        for n, reported in enumerate(gpus)
    )


def smi_xml() -> str:
    board = (
        '\t<gpu id="00000000:0{0}:00.0">\n\t\t<uuid>GPU-{1}</uuid>\n\t\t<fb_memory_usage>\n'
        "\t\t\t<total>81559 MiB</total>\n"
        "\t\t\t<used>{2} MiB</used>\n\t\t</fb_memory_usage>\n\t\t<utilization>\n\t\t\t<gpu_util>{3} %</gpu_util>\n"
        "\t\t</utilization>\n\t\t<temperature>\n\t\t\t<gpu_temp>{4} C</gpu_temp>\n\t\t</temperature>\n"
        "\t\t<power_readings>\n\t\t\t<power_draw>{5:.2f} W</power_draw>\n\t\t</power_readings>\n\t</gpu>\n"
    )
    documents = (
        '<?xml version="1.0" ?>\n<nvidia_smi_log>\n\t<timestamp>' + stamp(at, "%a %b %d %H:%M:%S %Y") + "</timestamp>\n"
        "\t<attached_gpus>2</attached_gpus>\n" + boards(board, gpus) + "</nvidia_smi_log>\n"
        for at, gpus in polls()
    )
    return "".join(documents)


def smi_text() -> str:
    board = (
        "GPU 00000000:0{0}:00.0\n    GPU UUID                  : GPU-{1}\n    FB Memory Usage\n"
        "        Total                 : 81559 MiB\n        Used                  : {2} MiB\n    Utilization\n"
        "        Gpu                   : {3} %\n    Temperature\n        GPU Current Temp      : {4} C\n"
        "    Power Readings\n        Power Draw            : {5:.2f} W\n\n"
    )
    return "".join(
        "==============NVSMI LOG==============\n\n"
        f"Timestamp : {stamp(at, '%a %b %d %H:%M:%S %Y')}\nAttached GPUs : 2\n" + boards(board, gpus)
        for at, gpus in polls()
    )


DCGM = (
    ("DCGM_FI_DEV_GPU_UTIL", "utilization"), ("DCGM_FI_DEV_GPU_TEMP", "temperature"),
    ("DCGM_FI_DEV_POWER_USAGE", "power"), ("DCGM_FI_DEV_FB_USED", "memory_used"),
)  # fmt: skip


def dcgm(comments: bool = True, scale: float = 0) -> str:
    lines = []
    for at, gpus in polls():
        for metric, name in DCGM:
            if comments:
                lines += [f"# HELP {metric} of the GPU", f"# TYPE {metric} gauge"]
            for n, reported in enumerate(gpus):
                value = reported[name] // MIB if name == "memory_used" else reported[name]
                labels = f'gpu="{n}",UUID="GPU-{"ab"[n]}",modelName="NVIDIA T4",Hostname="n"'
                lines.append(f"{metric}{{{labels}}} {value}" + (f" {int(at * scale)}" if scale else ""))
    return "\n".join([*lines, ""])


def exporter() -> str:
    metrics = (("utilization_gpu_ratio", "utilization", 0.01), ("temperature_gpu", "temperature", 1),
               ("power_draw_watts", "power", 1), ("memory_used_bytes", "memory_used", 1))  # fmt: skip
    return "".join(
        "".join(f'nvidia_smi_gpu_info{{uuid="{uuid}",index="{n}"}} 1\n' for n, uuid in enumerate("ab"))
        + "".join(
            f"# TYPE nvidia_smi_{metric} gauge\n"
            + "".join(
                f'nvidia_smi_{metric}{{uuid="{"ab"[n]}"}} {round(reported[name] * scale, 4)}\n'
                for n, reported in enumerate(gpus)
            )
            for metric, name, scale in metrics
        )
        for _, gpus in polls()
    )


def rocm(indent: int | None = None) -> str:
    return "".join(
        json.dumps(
            {
                f"card{n}": {
                    "Unique ID": f"0x{n}", "GPU use (%)": str(reported["utilization"]),
                    "Temperature (Sensor edge) (C)": f"{reported['temperature']}.0",
                    "Average Graphics Package Power (W)": str(reported["power"]),
                    "VRAM Total Used Memory (B)": str(reported["memory_used"]),
                }
                for n, reported in enumerate(gpus)
            },
            indent=indent,
        )
        + "\n"
        for _, gpus in polls()
    )  # fmt: skip


def amd(indent: int | None = None) -> str:
    def cell(value: float, unit: str) -> dict[str, object]:
        return {"value": value, "unit": unit}

    return "".join(
        json.dumps(
            [
                {
                    "gpu": n, "usage": {"gfx_activity": cell(reported["utilization"], "%")},
                    "temperature": {"edge": cell(reported["temperature"], "C")},
                    "power": {"socket_power": cell(reported["power"], "W")},
                    "mem_usage": {"used_vram": cell(reported["memory_used"] // MIB, "MB")},
                }
                for n, reported in enumerate(gpus)
            ],
            indent=indent,
        )
        + "\n"
        for _, gpus in polls()
    )  # fmt: skip


def xpu_smi_dump(tiles: int = 1) -> str:
    """Return rows of devices, or of *tiles* that are equivalent."""
    named = ["Timestamp", "DeviceId", *(["TileId"] if tiles > 1 else [])]
    columns = ["GPU Utilization (%)", "GPU Power (W)", "GPU Core Temperature (Celsius Degree)", "GPU Memory Used (MiB)"]
    lines = [", ".join([*named, *columns])]
    for at, gpu, reported in ROWS:
        for tile in range(tiles):
            other = -1 if tile == 0 and tiles > 1 else 0
            cells = [stamp(at, "%H:%M:%S.000"), f"{gpu:4d}", *([str(tile)] if tiles > 1 else [])]
            power, used = reported["power"] / tiles, reported["memory_used"] / MIB / tiles
            cells += [f"{reported['utilization']}", f"{power:.4f}", f"{reported['temperature'] + other}", f"{used:.2f}"]
            lines.append(", ".join(cells))
    return "\n".join([*lines, ""])


def intel_gpu_top(is_list: bool = True) -> str:
    samples = [
        json.dumps(
            {
                "period": {"duration": 5000.0, "unit": "ms"},
                "frequency": {"requested": 1500.0, "actual": 1450.0, "unit": "MHz"},
                "power": {"GPU": gpus[0]["power"], "Package": 55.5, "unit": "W"},
                "engines": {
                    "Render/3D": {"busy": gpus[0]["utilization"], "sema": 0.0, "unit": "%"},
                    "Blitter": {"busy": 0.0, "sema": 0.0, "unit": "%"},
                },
            },
            indent=1,
        )
        for _, gpus in polls()
    ]
    return "[\n" + ",\n".join(samples) + "\n]\n" if is_list else ",\n".join(samples) + "\n"


XPUM = (
    ("xpum_engine_ratio", "", "utilization", 0.01), ("xpum_temperature_celsius", ',location="gpu"', "temperature", 1),
    ("xpum_power_watts", "", "power", 1), ("xpum_memory_used_bytes", "", "memory_used", 1),
)  # fmt: skip


def xpum(comments: bool = True) -> str:
    lines = []
    for _, gpus in polls():
        for metric, labels, name, scale in XPUM:
            lines += [f"# HELP {metric} of the GPU", f"# TYPE {metric} gauge"] if comments else []
            lines += [
                f'{metric}{{uuid="GPU-{"ab"[n]}",dev_name="Intel Max",pci_bdf="0000:{n}a:00.0",src="direct"{labels}}} '
                f"{round(reported[name] * scale, 4)}"
                for n, reported in enumerate(gpus)
            ]
    return "\n".join([*lines, ""])


ALL_SMI = (("utilization", "utilization"), ("temperature_celsius", "temperature"),
           ("power_consumption_watts", "power"), ("memory_used_bytes", "memory_used"))  # fmt: skip


def all_smi() -> str:
    return "".join(
        f"# TYPE all_smi_gpu_{metric} gauge\n"
        + "".join(
            f'all_smi_gpu_{metric}{{gpu="Intel Arc", instance="n", gpu_uuid="GPU-{"ab"[n]}", gpu_index="{n}"}} '
            f"{reported[name]}\n"
            for n, reported in enumerate(gpus)
        )
        for _, gpus in polls()
        for metric, name in ALL_SMI
    )


@dataclass(frozen=True)
class Form:
    """An accepted form: its text, whether its snapshots have their times, and the options that it needs.

    In a form that is by order only the place of a row says which GPU it is of, so that two of one poll may be swapped.
    *readings* is how many it has; a text of fewer than *lines* may be one of another kind, such as of GPUs of one tile.
    """

    text: str
    has_times: bool = True
    options: tuple[tuple[str, Any], ...] = ()
    is_by_order: bool = False
    readings: int = 4 * POLLS * GPUS
    lines: int = 0


FORMS = {
    "CSV": Form(smi_csv()),
    "CSV without units": Form(smi_csv(",", units=False)),
    "CSV of a spreadsheet": Form(smi_csv(";")),
    "CSV with a header at each call": Form(smi_csv(heads=True, names=False), has_times=False,
                                           is_by_order=True),
    "CSV of --gpus 2": Form(smi_csv().replace(", index, uuid", "").replace(", 0, GPU-a", "").replace(", 1, GPU-b", ""),
                            options=(("gpus", 2),), is_by_order=True),
    "JSONL": Form(jsonl()),
    "XML": Form(smi_xml()),
    "text of -q": Form(smi_text()),
    "DCGM": Form(dcgm(), has_times=False),
    "DCGM without comments": Form(dcgm(comments=False), has_times=False),
    "DCGM with milliseconds": Form(dcgm(scale=1000)),
    "DCGM as OpenMetrics": Form(dcgm(scale=1) + "# EOF\n"),
    "nvidia_gpu_exporter": Form(exporter(), has_times=False),
    "rocm-smi": Form(rocm(), has_times=False),
    "rocm-smi, pretty": Form(rocm(2), has_times=False),
    "amd-smi": Form(amd(), has_times=False),
    "amd-smi, pretty": Form(amd(2), has_times=False),
    "xpu-smi dump": Form(xpu_smi_dump(), options=(("date", "2026-04-25"),)),
    "xpu-smi dump by tile": Form(xpu_smi_dump(tiles=2), options=(("date", "2026-04-25"),), lines=3),
    "intel_gpu_top": Form(intel_gpu_top(), has_times=False, readings=2 * POLLS),
    "intel_gpu_top without brackets": Form(intel_gpu_top(is_list=False), has_times=False, readings=2 * POLLS),
    "XPU Manager": Form(xpum(), has_times=False),
    "XPU Manager without comments": Form(xpum(comments=False), has_times=False),
    "all-smi": Form(all_smi(), has_times=False),
}  # fmt: skip

FOREIGN = (
    "", "WARNING: infoROM is corrupted at gpu 0000:2B:00.0", "Unable to determine the device handle", "{", "}", "[]",
    "a, b, c, d, e, f, g, h", "<gpu>", "</gpu>", "# a comment", "Failed: 1, 2, 3", "==== LOG ====", '"', "null",
    "\ufffd" * 9,
)  # fmt: skip
UNITS = {" %": " MiB", " MiB": " W", " W": " C", " C": " %"}
FIGURES = set("0123456789.,-+eE")


def cut(rng: random.Random, text: str) -> str:
    return text[: rng.randrange(1, len(text))]


def without_a_line_end(rng: random.Random, text: str) -> str:
    at = rng.choice([n for n, character in enumerate(text[:-1]) if character == "\n"])
    return text[:at] + text[at + 1 :]


def by_line(change: Callable[[random.Random, list[str], int], None]) -> Callable[[random.Random, str], str]:
    def mutate(rng: random.Random, text: str) -> str:
        lines = text.splitlines(keepends=True)
        change(rng, lines, rng.randrange(len(lines)))
        return "".join(lines)

    mutate.__name__ = change.__name__
    return mutate


def doubled(rng: random.Random, lines: list[str], at: int) -> None:
    lines.insert(at, lines[at])


def swapped(rng: random.Random, lines: list[str], at: int) -> None:
    lines[at - 1 : at + 1] = lines[at - 1 : at + 1][::-1]


def deleted(rng: random.Random, lines: list[str], at: int) -> None:
    del lines[at]


def inserted(rng: random.Random, lines: list[str], at: int) -> None:
    lines.insert(at, rng.choice(FOREIGN) + "\n")


def shortened(rng: random.Random, lines: list[str], at: int) -> None:
    """Lose the end of a line from one of its marks on, which is between two values."""
    marks = [n for n, character in enumerate(lines[at]) if character in '<>{}":; ' or lines[at][n : n + 2] == ", "]
    if marks:
        lines[at] = lines[at][: rng.choice(marks)] + "\n"


def with_another_unit(rng: random.Random, text: str) -> str:
    unit = rng.choice([unit for unit in UNITS if unit in text] or [""])
    places = [n for n in range(len(text)) if unit and text.startswith(unit, n) and text[n - 1].isdigit()]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + UNITS[unit] + text[at + len(unit) :]


def beyond_every_range(rng: random.Random, text: str) -> str:
    """Put a number that no quantity can have in the place of a reading."""
    reported = rng.choice(list(EXPECTED.values()))
    figures = {
        f"{reported['utilization']}",
        f"{reported['temperature']}",
        f"{reported['power']:.2f}",
        f"{reported['memory_used']}",
    }
    places = [
        found
        for figure in sorted(figures)
        for found in re.finditer(rf"(?<![\w.:/-]){re.escape(figure)}(?![\w.,:/-]\d)", text)
    ]
    if not places:
        return text
    place = rng.choice(places)
    return text[: place.start()] + "9" * 25 + text[place.end() :]


def with_a_renamed_word(rng: random.Random, text: str) -> str:
    words = [n for n in range(1, len(text)) if text[n].isalpha() and not text[n - 1].isalnum()]
    at = rng.choice(words)
    return text[:at] + rng.choice(("x", "my_", "gpu_", "Q")) + text[at:]


def with_a_flipped_bit(rng: random.Random, text: str) -> str:
    for _ in range(50):
        at, flipped = rng.randrange(len(text)), 1 << rng.randrange(7)
        other = chr(ord(text[at]) ^ flipped)
        if ord(text[at]) < 128 and not {text[at], other} & FIGURES:
            return text[:at] + other + text[at + 1 :]
    return text


KINDS: dict[str, Callable[[random.Random, str], str]] = {
    "cut": cut,
    "without a line end": without_a_line_end,
    "doubled": by_line(doubled),
    "swapped": by_line(swapped),
    "deleted": by_line(deleted),
    "inserted": by_line(inserted),
    "shortened": by_line(shortened),
    "another unit": with_another_unit,
    "beyond every range": beyond_every_range,
    "renamed": with_a_renamed_word,
    "bit": with_a_flipped_bit,
}


def check(source: Replay, form: Form, checks_gpus: bool = True) -> tuple[int, bool]:
    """Assert that every reading is one of the recording, at its time and of its GPU; return how many are there."""
    found, has_reason = 0, False
    for snapshot in source:
        for gpu in snapshot.gpus:
            number = gpu.index_number if gpu.uuid not in ("GPU-a", "GPU-b") else "ab".index(gpu.uuid[-1])
            has_reason = has_reason or bool(gpu.missing)
            for name in ("utilization", "temperature", "power", "memory_used"):
                value = getattr(gpu, name)
                if value is None:
                    continue
                found += 1
                known = {
                    reported[name]
                    for (at, index), reported in EXPECTED.items()
                    if (not form.has_times or snapshot.timestamp not in TIMES or at == snapshot.timestamp)
                    and (index == number or number not in range(GPUS) or not checks_gpus)
                }
                assert value in known, (name, value, snapshot.timestamp, gpu.index, gpu.uuid)
    return found, has_reason


TIMES = {at for at, _ in EXPECTED}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "recording"


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_whole(path: Path, name: str) -> None:
    form = FORMS[name]
    path.write_text(form.text)
    source = replay(path, **dict(form.options))
    assert check(source, form)[0] == form.readings
    assert (source.problem_count, source.notices) == (0, ())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", representative(FORMS, len(FORMS) // 3))
def test_a_mutated_recording_gives_the_same_values_or_says_what_is_missing(path: Path, name: str, kind: str) -> None:
    form, rng = FORMS[name], random.Random(f"{name} {kind}")
    for _ in range(MUTATIONS):
        text = KINDS[kind](rng, form.text)
        if text.count("\n") < form.lines:
            continue
        path.write_bytes(text.encode())
        try:
            source = replay(path, **dict(form.options))
            found, has_reason = check(source, form, kind != "swapped" or not form.is_by_order)
        except TelemetryError as error:
            assert str(error)
            continue
        except AssertionError as error:
            raise AssertionError(f"{error}\n{_difference(form.text, text)}") from None
        is_said = bool(source.problem_count or source.notices or has_reason)
        if kind in ("without a line end", "another unit", "beyond every range", "inserted") or (
            kind == "cut" and text[-1] not in "\n>]},"
        ):
            assert found >= form.readings or is_said, _difference(form.text, text)


COLUMNS = {
    "CSV": (", ", 0), "CSV without units": (",", 0), "CSV of a spreadsheet": (";", 0), "xpu-smi dump": (", ", 2),
    "xpu-smi dump by tile": (", ", 3),
}  # fmt: skip
"""Forms with columns in any order: what stands between them, and how many have their place."""


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_in_another_order_give_the_same_values(path: Path, name: str) -> None:
    form, (mark, fixed) = FORMS[name], COLUMNS[name]
    rng = random.Random(name)
    for _ in range(min(MUTATIONS, 25)):
        rows = [line.split(mark) for line in form.text.splitlines()]
        order = rng.sample(range(fixed, len(rows[0])), len(rows[0]) - fixed)
        path.write_text("".join(mark.join([*row[:fixed], *(row[n] for n in order)]) + "\n" for row in rows))
        source = replay(path, **dict(form.options))
        assert (check(source, form)[0], source.problem_count) == (form.readings, 0)


def stats(by_tile: bool) -> str:
    """Return what xpu-smi stats -j says of the first GPU, in release 1.x, by device or by tile."""
    reported, parts = EXPECTED[START, 0], 2 if by_tile else 1
    names = (
        ("XPUM_STATS_GPU_UTILIZATION", reported["utilization"]), ("XPUM_STATS_POWER", reported["power"] / parts),
        ("XPUM_STATS_GPU_CORE_TEMPERATURE", reported["temperature"]),
        ("XPUM_STATS_MEMORY_USED", reported["memory_used"] / MIB / parts),
    )  # fmt: skip
    figures = [{"metrics_type": name, "avg": 1.5, "value": value} for name, value in names]
    tiles = [{"data_list": figures, "tile_id": n} for n in range(2)]
    return json.dumps({"device_id": 0, **({"tile_level": tiles} if by_tile else {"device_level": figures})}, indent=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_tile", [False, True], ids=["by device", "by tile"])
def test_mutated_figures_of_xpu_smi_are_the_same_or_missing_with_a_reason(by_tile: bool, kind: str) -> None:
    reported, rng = EXPECTED[START, 0], random.Random(kind)
    for _ in range(MUTATIONS):
        text = KINDS[kind](rng, stats(by_tile))
        try:
            report = parse_json(text)
        except ValueError:
            continue  # the source says so
        gpu = xpu_smi.gpu_of({"device_id": 0}, {}, report if isinstance(report, dict) else {})
        for name, value in reported.items():
            assert getattr(gpu, name) in (value, None), _difference(stats(by_tile), text)
            assert getattr(gpu, name) is not None or gpu.missing[name]


def _difference(before: str, after: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    return f"was {before[max(0, at - 60) : at + 60]!r}\nis  {after[max(0, at - 60) : at + 60]!r}"
