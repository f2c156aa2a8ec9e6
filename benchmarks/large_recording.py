"""How long a large log of nvidia-smi takes to be read through once, and how much memory: ``python
benchmarks/large_recording.py [MEGABYTES]``, by default 1,000 MB of 8 GPUs, written to a temporary folder and deleted.

The log is read in an interpreter of its own, so that the peak of its resident memory is that of reading.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from results import write

GPUS, START = 8, 1_777_118_400
HEADER = (
    "timestamp, index, uuid, name, utilization.gpu [%], memory.used [MiB], memory.total [MiB], temperature.gpu, "
    "power.draw [W], clocks.current.sm [MHz]\n"
)
CHILD = """
import json, resource, sys, time
from gpurules.telemetry import replay
source, start = replay(sys.argv[1]), time.process_time()
snapshots = sum(1 for _ in source)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([snapshots, source.problem_count, time.process_time() - start, peak]))
"""


def polls() -> Iterator[str]:
    """Yield the rows of one poll after the other, five seconds apart."""
    rng = random.Random(1)
    for number in count():
        stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(START + 5 * number))
        yield "".join(
            f"{stamp}.{gpu:03d}, {gpu}, GPU-{gpu:036d}, NVIDIA H100, {rng.randint(0, 100)} %, "
            f"{rng.randint(1000, 80000)} MiB, 81559 MiB, {rng.randint(30, 90)}, {rng.uniform(60, 700):.2f} W, "
            f"{rng.randint(300, 1980)} MHz\n"
            for gpu in range(GPUS)
        )


def main() -> None:
    """Print the time and the peak memory."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path, written = Path(folder, "smi.csv"), len(HEADER)
        with path.open("w") as file:
            file.write(HEADER)
            for rows in polls():
                written += file.write(rows)
                if written >= megabytes * 1_000_000:
                    break
        done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, check=True)
    snapshots, problems, seconds, peak = json.loads(done.stdout)
    print(
        f"{written / 1e6:,.0f} MB, {snapshots:,} snapshots of {GPUS} GPUs, {problems} problems: {seconds:.0f} s of the "
        f"processor, {written / 1e6 / seconds:.1f} MB/s, at most {peak / 1e6:.0f} MB of memory"
    )
    write("large_recording", {"megabytes": written / 1e6, "seconds": seconds, "peak_megabytes": peak / 1e6})


if __name__ == "__main__":
    main()
