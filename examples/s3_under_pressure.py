"""A download that pauses while the GPU is hot, and a model file that overtakes it, with the timeline of why.

    python examples/s3_under_pressure.py http://127.0.0.1:5000 bucket dataset.tar model.safetensors

The telemetry is simulated here; give ``Coordinator`` the source ``nvml`` for that of the node. Credentials and region
come from wherever boto3 finds them.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3

from gpurules.clients import S3, PartOptions
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.governor import Governor, Limits, StateChange, TransferState
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.rules import loads

RULES = """
version: 1
name: pressure
rules:
  - name: cool_down
    condition: gpu_temperature > 85 AND file_type == 'dataset'
    action: delay_transfer
    parameters: {delay: 60s, running: pause}
  - name: models_first
    condition: file_type == 'model'
    action: increase_priority
    parameters: {priority_boost: 50}
"""


class Dial:
    """A telemetry source whose temperature is turned by hand."""

    name = "dial"

    def __init__(self) -> None:
        self.temperature = 50.0
        self._time = time.time()

    def read(self) -> Snapshot:
        """Return a GPU of that temperature, a second after the last."""
        self._time += 1
        return Snapshot(timestamp=self._time, gpus=(GPU(index=0, temperature=self.temperature),))

    def close(self) -> None:
        """Do nothing."""


def main(endpoint: str, bucket: str, dataset: str, model: str) -> None:
    """Download *dataset*; heat the GPU on the way; download *model* meanwhile; cool the GPU."""
    dial, began, paused = Dial(), time.monotonic(), threading.Event()

    def show(change: StateChange) -> None:
        because = f"  because of {', '.join(change.rules)}" if change.rules else ""
        print(f"{time.monotonic() - began:6.2f} s  {change.transfer.id:8} {change.after}{because}", flush=True)
        if change.after is TransferState.PAUSED:
            paused.set()

    client = boto3.client("s3", endpoint_url=endpoint)
    with Coordinator(loads(RULES), dial, options=CoordinatorOptions(poll_interval=60)) as node:
        governor = Governor(node, Limits(slots=2))
        governor.on_change(show)
        with S3(governor, client, options=PartOptions(piece_size=1024**2, parts_ahead=1)) as s3:
            folder = Path(tempfile.mkdtemp())
            arguments = (bucket, dataset, folder / "dataset")
            # the dataset is slow here, so that there is time to heat the GPU
            governor.set_rate("normal", 4 * 1024**2)
            thread = threading.Thread(target=s3.download, args=arguments, kwargs={"transfer": Transfer(id="dataset")})
            thread.start()
            time.sleep(0.6)
            dial.temperature = 92
            node.poll()
            paused.wait(10)
            for _ in range(10):
                node.poll()  # still hot: many polls are one hold
            s3.download(bucket, model, folder / "model", transfer=Transfer(id="model"))
            dial.temperature = 60
            node.poll()
            thread.join()
        counts = governor.status().counts
        print(f"{counts.done} done, {counts.pauses} pause, {counts.parts} parts, files in {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
