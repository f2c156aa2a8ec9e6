"""How fast recordings are read into snapshots, in MB/s of each format, beside what Python offers for the same bytes.

The libraries stop at cells, dictionaries, elements or samples; gpurules goes on to GPUs in canonical units, with ranges
checked and reasons for what is missing. All are measured in one run, in seconds of the processor. Run it with ``make
bench``.
"""

import csv
import io
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from prometheus_client.parser import text_string_to_metric_families
from results import write

from gpurules.telemetry import replay

GPUS, POLLS, ROUNDS = 8, 400, 3
START = 1_777_118_400
Cells = dict[str, float]


def polls() -> Iterable[tuple[int, list[Cells]]]:
    """Yield time and readings of each poll."""
    rng = random.Random(1)
    for number in range(POLLS):
        gpus = [
            {
                "busy": rng.randint(0, 100), "used": rng.randint(1000, 80000), "temperature": rng.randint(30, 90),
                "power": round(rng.uniform(60, 700), 2), "clock": rng.randint(300, 1980),
            }
            for _ in range(GPUS)
        ]  # fmt: skip
        yield START + 5 * number, gpus


def smi_csv() -> str:
    """Return a log of nvidia-smi."""
    header = (
        "timestamp, index, uuid, name, utilization.gpu [%], memory.used [MiB], memory.total [MiB], temperature.gpu, "
        "power.draw [W], clocks.current.sm [MHz]\n"
    )
    rows = (
        f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(at))}.{index:03d}, {index}, GPU-{index:036d}, NVIDIA H100, "
        f"{gpu['busy']} %, {gpu['used']} MiB, 81559 MiB, {gpu['temperature']}, {gpu['power']:.2f} W, "
        f"{gpu['clock']} MHz\n"
        for at, gpus in polls()
        for index, gpu in enumerate(gpus)
    )
    return header + "".join(rows)


def jsonl() -> str:
    """Return a recording of gpurules itself."""
    return "".join(
        json.dumps(
            {
                "timestamp": at,
                "gpus": [
                    {
                        "index": index, "uuid": f"GPU-{index}", "name": "NVIDIA H100", "vendor": "nvidia",
                        "utilization": gpu["busy"], "memory_used": int(gpu["used"]) << 20, "memory_total": 81559 << 20,
                        "temperature": gpu["temperature"], "power": gpu["power"],
                    }
                    for index, gpu in enumerate(gpus)
                ],
            }
        )
        + "\n"
        for at, gpus in polls()
    )  # fmt: skip


def xml_documents() -> list[str]:
    """Return documents of ``nvidia-smi -q -x``."""
    return [
        '<?xml version="1.0" ?>\n<nvidia_smi_log>\n'
        f"<timestamp>{time.strftime('%a %b %d %H:%M:%S %Y', time.gmtime(at))}</timestamp>\n"
        f"<attached_gpus>{GPUS}</attached_gpus>\n"
        + "".join(
            f'<gpu id="{index}">\n<product_name>NVIDIA H100</product_name>\n<uuid>GPU-{index}</uuid>\n'
            f"<fb_memory_usage>\n"
            f"<total>81559 MiB</total>\n<used>{gpu['used']} MiB</used>\n</fb_memory_usage>\n<utilization>\n"
            f"<gpu_util>{gpu['busy']} %</gpu_util>\n</utilization>\n<temperature>\n<gpu_temp>{gpu['temperature']} C"
            f"</gpu_temp>\n</temperature>\n<gpu_power_readings>\n<power_draw>{gpu['power']:.2f} W</power_draw>\n"
            f"</gpu_power_readings>\n<clocks>\n<sm_clock>{gpu['clock']} MHz</sm_clock>\n</clocks>\n<processes>\n"
            "</processes>\n</gpu>\n"
            for index, gpu in enumerate(gpus)
        )
        + "</nvidia_smi_log>\n"
        for at, gpus in polls()
    ]


def scrapes() -> list[str]:
    """Return scrapes of dcgm-exporter."""
    metrics = (
        ("DCGM_FI_DEV_GPU_UTIL", "busy"), ("DCGM_FI_DEV_FB_USED", "used"), ("DCGM_FI_DEV_GPU_TEMP", "temperature"),
        ("DCGM_FI_DEV_POWER_USAGE", "power"), ("DCGM_FI_DEV_SM_CLOCK", "clock"),
    )  # fmt: skip
    return [
        "".join(
            f"# HELP {metric} of the GPU.\n# TYPE {metric} gauge\n"
            + "".join(
                f'{metric}{{gpu="{index}",UUID="GPU-{index}",device="nvidia{index}",modelName="NVIDIA H100 80GB HBM3",'
                f'Hostname="node-1",DCGM_FI_DRIVER_VERSION="535.104.05",container="main",namespace="ml",'
                f'pod="train-{index}"}} {gpu[key]}\n'
                for index, gpu in enumerate(gpus)
            )
            for metric, key in metrics
        )
        for _, gpus in polls()
    ]


def exhaust(items: Iterable[object]) -> None:
    """Walk through *items*."""
    for _ in items:
        pass


def played(path: Path) -> None:
    """Read a recording to its end."""
    exhaust(replay(path))


def speed(work: Callable[[], None], size: int) -> float:
    """Return the best of some rounds, in MB/s."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return size / 1e6 / min(times)


def main() -> None:
    """Print the speeds."""
    log, lines, documents, pages = smi_csv(), jsonl(), xml_documents(), scrapes()
    texts = {"nvidia-smi CSV": log, "gpurules JSONL": lines, "nvidia-smi XML": "".join(documents)}
    texts["dcgm-exporter text"] = "".join(pages)
    libraries: dict[str, list[tuple[str, Callable[[], None]]]] = {
        "nvidia-smi CSV": [
            ("csv.reader", lambda: exhaust(csv.reader(io.StringIO(log)))),
            ("csv.DictReader", lambda: exhaust(csv.DictReader(io.StringIO(log)))),
        ],
        "gpurules JSONL": [("json", lambda: exhaust(map(json.loads, lines.splitlines())))],
        "nvidia-smi XML": [("xml.etree", lambda: exhaust(map(ElementTree.fromstring, documents)))],
        "dcgm-exporter text": [
            ("prometheus_client", lambda: [exhaust(text_string_to_metric_families(page)) for page in pages] and None)
        ],
    }
    found: dict[str, dict[str, float]] = {}
    print(f"reading recordings of {GPUS} GPUs, MB/s of the processor, best of {ROUNDS}")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder, "recording")
            path.write_text(text)
            size = path.stat().st_size
            speeds = {"gpurules": speed(partial(played, path), size)}
            speeds |= {library: speed(work, size) for library, work in libraries[name]}
            found[name] = speeds
            columns = "  ".join(f"{library} {figure:.1f}" for library, figure in speeds.items())
            print(f"  {name:<20} {size / 1e6:5.1f} MB   {columns}")
    write("recordings", found)


if __name__ == "__main__":
    main()
