"""A training loop that reads shards while its GPU fills up: the prefetch shrinks, pauses and comes back.

    python examples/training_loop.py

The telemetry is simulated here; give ``Coordinator`` the source ``nvml`` for that of the node. The shards are local
files; put ``gpurules::`` before the URLs of a store, and nothing else changes.
"""

import tempfile
import threading
import time
from pathlib import Path

import fsspec

from gpurules.clients.filesystem import use
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.governor import Governor, StateChange, TransferState
from gpurules.model import GPU, Snapshot, Workload
from gpurules.rules import loads

RULES = """
version: 1
name: training
rules:
  - name: fetch_less
    condition: gpu_memory > 80 AND active_training
    action: reduce_prefetch
    parameters: {reduction_factor: 0.25}
  - name: wait_while_full
    condition: gpu_memory > 95 AND file_type == 'dataset'
    action: delay_transfer
    parameters: {delay: 30s, running: pause}
"""
SHARDS = 4


class Dial:
    """A telemetry source whose memory is filled by hand."""

    name = "dial"

    def __init__(self) -> None:
        self.memory = 50
        self._time = time.time()

    def read(self) -> Snapshot:
        """Return a GPU that is so full, a second after the last."""
        self._time += 1
        gpu = GPU(index=0, memory_total=100, memory_used=self.memory)
        return Snapshot(timestamp=self._time, gpus=(gpu,))

    def close(self) -> None:
        """Do nothing."""


def main() -> None:
    """Read the shards, one an epoch, with the memory of the GPU as full as each epoch says."""
    dial, folder = Dial(), Path(tempfile.mkdtemp())
    for number in range(SHARDS):
        (folder / f"shard-{number}.tar").write_bytes(bytes(1024**2))
    with Coordinator(loads(RULES), dial, options=CoordinatorOptions(poll_interval=3600)) as node:
        governor = Governor(node)
        governor.register_workload(Workload(id="job", type="training"))
        use(governor)

        def cool_down(change: StateChange) -> None:
            if change.after is TransferState.HELD:
                print(f"  {Path(change.transfer.path or '').name} is held by {', '.join(change.rules)}", flush=True)
                threading.Thread(target=fill, args=(50,)).start()

        def fill(memory: int) -> None:
            dial.memory = memory
            node.poll()

        governor.on_change(cool_down)
        for number, memory in zip(range(SHARDS), (50, 85, 97, 50)):
            fill(memory)
            factor = node.decide().prefetch_factor
            print(f"shard {number}: GPU memory {memory} %, {factor:.0%} of the prefetch", flush=True)
            url = f"gpurules::file://{folder}/shard-{number}.tar"
            with fsspec.open(url, workload="job", block_size="64KiB") as shard:
                size = sum(len(batch) for batch in iter(lambda shard=shard: shard.read(65536), b""))
            print(f"  read {size} bytes", flush=True)
        counts = governor.status().counts
        print(f"{counts.done} shards, {counts.holds} held, {counts.bytes_moved:.0f} bytes")
        use(None)
        governor.stop()


if __name__ == "__main__":
    main()
