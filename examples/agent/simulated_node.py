"""An agent on a simulated node with eight GPUs, and traffic that it decides on. Usage: python simulated_node.py [PORT]

It goes on until it is interrupted; when the simulated half hour is over, it begins again.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gpurules
from gpurules.governor import Governor
from gpurules.remote import RemoteEngine

HERE = Path(__file__).resolve().parent
SOURCE = "synthetic:gpus=8,seconds=1800,interval=1"
FILES = (
    "/models/llama/model-0001.safetensors",
    "/data/shard-{:04d}.tar",
    "/checkpoints/step-{}.pt",
    "/data/rows-{}.csv",
)
MOST = 12
"""The number of transfers in flight."""


class Traffic:
    """Transfers that come, wait as the rules decide, move and go; each is registered at the agent."""

    def __init__(self, engine: RemoteEngine) -> None:
        self._engine = engine
        self._governor = Governor(engine)
        self._random = random.Random(7)
        self._moving: dict[str, tuple[gpurules.Transfer, float]] = {}
        self._count = 0

    def step(self) -> None:
        """Go on for a second."""
        if len(self._moving) < MOST and self._random.random() < 0.6:
            self._begin()
        states = {transfer.id: transfer.state.value for transfer in self._governor.status().transfers}
        for name, (transfer, moved) in list(self._moving.items()):
            state = states.get(name, "running")
            if state not in ("held", "paused"):
                state, moved = "running", moved + 200e6 * self._random.random()
            if moved >= (transfer.size or 0):
                self._end(name)
                continue
            self._moving[name] = transfer, moved
            report = {"transfer": transfer.to_dict(), "state": state, "bytes_moved": moved, "ttl": 10}
            self._send("PUT", f"/v1/transfers/{name}", report)

    def _begin(self) -> None:
        self._count += 1
        name, size = f"t-{self._count}", int(self._random.lognormvariate(21, 1.2))
        path = self._random.choice(FILES).format(self._count)
        transfer = gpurules.Transfer(id=name, path=path, size=size, operation="read", created=time.time())
        self._governor.transfer(transfer, lease_seconds=600)
        self._moving[name] = transfer, 0.0

    def _end(self, name: str) -> None:
        del self._moving[name]
        self._governor.cancel(name)
        self._send("DELETE", f"/v1/transfers/{name}", None)

    def train(self) -> None:
        """Keep a training job registered."""
        job = {"type": "training", "gpu_devices": [0, 1, 2, 3], "framework": "pytorch"}
        self._send("PUT", "/v1/workloads/job-1", {"workload": job, "ttl": 30})

    def _send(self, method: str, path: str, body: object) -> None:
        from gpurules.strict_json import dumps

        link = self._engine.link
        data = b"" if body is None else dumps(body, compact=True).encode()
        try:
            link.call(link.head(method, path), data, 1.0)
        except OSError:
            return  # the agent is started again, and hears of it at the next step


def main() -> None:
    """Run until interrupted."""
    port = sys.argv[1] if len(sys.argv) > 1 else "8765"
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else float("inf")
    with tempfile.TemporaryDirectory(prefix="gpurules-") as folder:
        socket, began = f"{folder}/agent.sock", time.monotonic()
        command = [sys.executable, "-m", "gpurules", "serve", str(HERE / "node.rules.yaml"), "--source", SOURCE]
        binds = ["--bind", f"unix:{socket}", "--bind", f"tcp:127.0.0.1:{port}"]
        engine: RemoteEngine | None = None
        try:
            while time.monotonic() - began < seconds:
                with subprocess.Popen([*command, *binds], stdout=subprocess.DEVNULL) as agent:
                    try:
                        while agent.poll() is None and not Path(socket).exists():
                            time.sleep(0.05)
                        if engine is None:
                            found = gpurules.connect(f"unix:{socket}")
                            assert isinstance(found, RemoteEngine)
                            engine, traffic = found, Traffic(found)
                        ends = min(time.monotonic() + 1800, began + seconds)
                        while agent.poll() is None and time.monotonic() < ends:
                            traffic.train()
                            traffic.step()
                            time.sleep(1)
                    finally:
                        agent.terminate()
        except KeyboardInterrupt:
            pass
        if engine is not None:
            engine.stop()


if __name__ == "__main__":
    main()
