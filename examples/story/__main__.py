"""A node's day in half a minute: a recording of GPU telemetry drives real transfers to and from a real S3 server.

    make story                          # or: python -m examples.story [--server moto]

A download rests while the GPU is hot, a model file overtakes datasets while its memory is full, and a large file is
staged, interrupted and gone on with. Every line of the timeline names the rule that caused it and why it matched; of
each file that is done, the digest is compared with that of what is in the store.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from botocore.config import Config
from rich.console import Console

from examples.servers import Moto, SeaweedFS, Server, weed
from examples.story.timeline import PATIENCE_SECONDS, Timeline, wait_until
from gpurules.cli.run.replay_clock import ReplayClock
from gpurules.clients import S3, PartOptions, StagingArea, StoreError, UploadJournal
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.governor import Governor, Limits, TransferState
from gpurules.model import Transfer
from gpurules.rules import load
from gpurules.telemetry import open_source

HERE = Path(__file__).parent
BUCKET = "story"
MIB = 1024**2
SIZES = {
    "shard-0001.tar": 12 * MIB + 7,
    "shard-0002.tar": 1 * MIB,
    "shard-0003.tar": 1 * MIB,
    "weights.safetensors": 1 * MIB,
    "corpus.parquet": 24 * MIB + 11,
}
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=2, attempts=2, backoff_seconds=0.01)


class Story:
    """The node, its transfers, and what becomes of them."""

    def __init__(self, server: Server, objects: dict[str, bytes], console: Console, folder: Path) -> None:
        recording = ReplayClock(open_source(f"replay:{HERE / 'node.jsonl'}"), lambda: 0.0)
        self.node = Coordinator(
            load(HERE / "node.rules.yaml"),
            recording,
            clock=recording.clock,
            options=CoordinatorOptions(watch_files=False),
        )
        self.line = Timeline(self.node, console)
        self.node.on_poll(self.line.polled)
        self.governor = Governor(self.node, Limits(slots=1))  # one slot, so that the order can be seen
        self.governor.on_change(self.line.changed)
        self.area = StagingArea(folder / "stage", quota=64 * MIB)
        self._server = server
        self._client = server.client(
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=20, max_pool_connections=20)
        )
        self.s3 = S3(
            self.governor,
            self._client,
            options=OPTIONS,
            staging=self.area,
            journal=UploadJournal(folder / "uploads"),
        )
        self._objects = objects
        self._folder = folder
        self._pool = ThreadPoolExecutor(8)

    def fill(self) -> None:
        """Wait until the server is up, and put the objects there that it does not have."""
        self._server.ready(BUCKET)
        there = {found["Key"] for found in self._client.list_objects_v2(Bucket=BUCKET).get("Contents", ())}
        for name, data in self._objects.items():
            if name not in there:
                self._client.put_object(Bucket=BUCKET, Key=name, Body=data)

    def heat(self) -> None:
        """A download rests at its next part for as long as the GPU is hot, and goes on at once."""
        self.line.chapter("1. The GPU gets hot in the middle of a download")
        self.node.poll()
        self.governor.set_rate("all", 3 * MIB)  # so that it takes its time
        shard = self._download("shard-0001.tar")
        wait_until(lambda: self._moved() >= 2 * MIB, "the first parts")
        self.node.poll()
        self.line.await_state("shard-0001.tar", TransferState.PAUSED)
        wait_until(lambda: self.governor.status().slots_taken == 0, "the part under way")
        before, polls = self.governor.status().counts.parts, 10
        self.line.is_quiet = True
        for _ in range(polls):
            self.node.poll()
        self.line.is_quiet = False
        counts = self.governor.status().counts
        self.line.narrate(
            f"{polls} polls later: still {counts.pauses} hold; {counts.parts - before} parts moved, no slot is taken"
        )
        self.governor.set_rate("all", None)
        asked_at = time.monotonic()
        self.node.poll()
        released = self.line.await_state("shard-0001.tar", TransferState.RUNNING, TransferState.DONE)
        self.line.narrate(
            f"released {max(0.0, released - asked_at) * 1000:.0f} ms after the poll that found the GPU cool"
        )
        self._finish(shard)
        self._compare("shard-0001.tar")

    def memory(self) -> None:
        """A model file overtakes the dataset files that were there before it."""
        self.line.chapter("2. The GPU's memory fills while a checkpoint is written and files are queued")
        names = ("shard-0002.tar", "shard-0003.tar", "weights.safetensors")
        checkpoint = self._folder / "checkpoint.pt"
        checkpoint.write_bytes(self._objects["shard-0001.tar"][:MIB])
        self.governor.set_rate("all", 1 * MIB)  # so that the checkpoint keeps the one slot's rate busy
        upload = self._pool.submit(
            self.s3.upload, checkpoint, BUCKET, "checkpoint.pt", transfer=Transfer(id="checkpoint.pt")
        )
        self.line.await_state("checkpoint.pt", TransferState.RUNNING, TransferState.DONE)
        downloads = []
        for name in names:
            downloads.append(self._download(name))
            self.line.await_state(name, TransferState.QUEUED)
            wait_until(lambda: self.governor.status().parts_ready == len(downloads), "its first part")
        self.line.narrate(f"queued, in this order: {', '.join(names)}")
        self.node.poll()
        self.governor.set_rate("all", None)
        self._finish(upload)
        for download in downloads:
            self._finish(download)
        for name in names:
            self._compare(name)

    def staging(self) -> None:
        """A large file goes by way of the staging area, and an interruption costs only what was on its way."""
        self.line.chapter("3. A large file is staged, and the server dies on the way")
        self.node.poll()
        self.governor.set_rate("all", 8 * MIB)
        begun = self._moved_ever()
        first = self._download("corpus.parquet")
        wait_until(lambda: self._moved() >= 6 * MIB, "the first parts")
        self.line.narrate(f"{self._server.name} is killed", "red")
        self._server.kill()
        try:
            first.result(PATIENCE_SECONDS)
        except StoreError:
            self.line.narrate(f"{(self._moved_ever() - begun) // MIB:.0f} of 24 MiB had moved; nothing is published")
        self._server.start()
        self.fill()
        self.line.narrate(f"{self._server.name} is up again; the same download is requested again")
        self.governor.set_rate("all", None)
        begun = self._moved_ever()
        self._finish(self._download("corpus.parquet"))
        self.line.narrate(
            f"it resumed where it had stopped: {(self._moved_ever() - begun) / MIB:.0f} of 24 MiB were left to move"
        )
        self._compare("corpus.parquet")
        counts = self.governor.status().counts
        self.line.chapter(
            f"{counts.done} transfers done: {counts.pauses} held once, {counts.failed} interrupted and resumed, "
            f"{self.area.counts.staged} staged; all digests are equal"
        )

    def _download(self, name: str) -> "Future[object]":
        return self._pool.submit(self.s3.download, BUCKET, name, self._folder / name, transfer=Transfer(id=name))

    @staticmethod
    def _finish(download: "Future[object]") -> None:
        download.result(PATIENCE_SECONDS)

    def _moved(self) -> float:
        """Return how much the transfers that are there now have moved, in bytes."""
        return sum(transfer.bytes_moved for transfer in self.governor.status().transfers)

    def _moved_ever(self) -> float:
        return self.governor.status().counts.bytes_moved

    def _compare(self, name: str) -> None:
        """Report whether the file equals the object in the store."""
        digests = [sha256(data).hexdigest()[:12] for data in ((self._folder / name).read_bytes(), self._objects[name])]
        if digests[0] != digests[1]:
            raise SystemExit(f"story: {name} has the digest {digests[0]}, and not {digests[1]}")
        self.line.done(name, f"{SIZES[name]:>10,} bytes, sha256 {digests[0]}, as in the store")

    def close(self) -> None:
        """End it all."""
        self.governor.stop()
        self.s3.close()
        self._client.close()
        self._pool.shutdown(cancel_futures=True)
        self.node.stop()


def main() -> None:
    """Run the story."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = "seaweedfs" if weed() else "moto"
    parser.add_argument("--server", choices=("seaweedfs", "moto"), default=default, help=f"default: {default}")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    objects = {name: random.Random(name).randbytes(size) for name, size in SIZES.items()}
    with tempfile.TemporaryDirectory(prefix="gpurules-story-") as folder:
        console.print(f"starting {arguments.server} on the loopback", style="dim")
        with Moto() if arguments.server == "moto" else SeaweedFS(Path(folder, "server")) as server:
            run_story(server, objects, console, Path(folder))


def run_story(server: Server, objects: dict[str, bytes], console: Console, folder: Path) -> None:
    """Run all chapters."""
    story = Story(server, objects, console, folder)
    chapters: tuple[Callable[[], None], ...] = (story.heat, story.memory, story.staging)
    try:
        story.fill()
        for chapter in chapters:
            chapter()
    finally:
        story.close()


if __name__ == "__main__":
    main()
