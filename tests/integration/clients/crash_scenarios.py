"""What is killed at every step: downloads that start, resume, or are given up; and uploads that are journalled."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

from gpurules.clients.objects.store import ObjectChanged, ObjectFacts, PartTag, Reading, TransientStoreError
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions
from gpurules.clients.pieces.resumable_file import ResumableFile
from gpurules.clients.transfers.download import download
from gpurules.clients.transfers.upload_journal import UploadJournal, UploadSource
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.model import Transfer
from gpurules.rules import loads
from tests.integration.clients.crashing import Scenario

PIECE = 1000
OLD, NEW = Random(1).randbytes(2222), Random(2).randbytes(4 * PIECE + 7)
OPTIONS = PartOptions(piece_size=PIECE, parts_ahead=1, attempts=1)


class Bytes(list):
    """Chunks of an answer."""

    def close(self) -> None:
        pass


class MemoryObject:
    """An object in memory whose reads fail, or find it changed, from the given one on."""

    url = "memory://bucket/key"

    def __init__(self, data: bytes = NEW, etag: str = '"new"', fails_at: int = -1, changes_at: int = -1) -> None:
        self.data, self._etag = data, etag
        self._fails_at, self._changes_at = fails_at, changes_at
        self.reads: list[int] = []

    def facts(self) -> ObjectFacts:
        return ObjectFacts(len(self.data), self._etag)

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        self.reads.append(start)
        if len(self.reads) == self._changes_at:
            raise ObjectChanged("changed by the test")
        if len(self.reads) == self._fails_at:
            raise TransientStoreError("cut by the test")
        data = self.data[start : start + size]
        return Reading(self.facts(), Bytes([data[:300], data[300:]]))


def fetch(source: MemoryObject, target: Path, options: PartOptions = OPTIONS) -> None:
    """Download *source* to *target* as the clients do."""
    governor = Governor(Engine(loads("version: 1\nname: none\nrules: []")))
    with ThreadPoolExecutor(1) as pool, governor.transfer(Transfer(path=source.url)) as ticket:
        download(ticket, source, target, PartLoop(pool, options), options)


def _old(folder: Path) -> None:
    (folder / "f").write_bytes(OLD)


def _half(folder: Path) -> None:
    """The old file, and a download of the new one that was cut after two pieces."""
    _old(folder)
    _cut(folder)


def _cut(folder: Path) -> None:
    try:
        fetch(MemoryObject(fails_at=3), folder / "f")
    except TransientStoreError:
        return
    raise AssertionError("the download was not cut")


def _changed(folder: Path) -> None:
    """A download of another version that begins where one was cut, and is given up: it changed on the way."""
    try:
        fetch(MemoryObject(OLD, '"other"', changes_at=2), folder / "f")
    except ObjectChanged:
        return
    raise AssertionError("the download was not given up")


def _discard(folder: Path) -> None:
    partial = ResumableFile.lock(folder / "f")
    partial.begin(MemoryObject.url, MemoryObject().facts(), PIECE)
    partial.discard()


def _get(folder: Path) -> None:
    fetch(MemoryObject(), folder / "f")


def _is_sound(folder: Path, follow: Callable[[Path], object] = _get) -> None:
    """The old file or the new one is there; and the next download brings the new one, and leaves nothing else."""
    assert (folder / "f").read_bytes() in (OLD, NEW), "neither the old file nor the new one is there"
    follow(folder)
    assert (folder / "f").read_bytes() == NEW, "the next download published other bytes"
    assert [path.name for path in folder.iterdir()] == ["f"], sorted(path.name for path in folder.iterdir())


def _is_sound_after_twice(folder: Path) -> None:
    """As before, where the next download is cut and resumed itself."""
    _is_sound(folder, lambda place: (_cut_or_done(place), _get(place)))


def _cut_or_done(folder: Path) -> None:
    with suppress(TransientStoreError):
        fetch(MemoryObject(fails_at=2), folder / "f")


PUBLISH = Scenario(_old, _get, _is_sound)
DURABLE = Scenario(_old, lambda folder: fetch(MemoryObject(), folder / "f", replace(OPTIONS, durable=True)), _is_sound)
RESUME = Scenario(_half, _get, _is_sound)
RESUME_TWICE = Scenario(_half, _get, _is_sound_after_twice)
INTERRUPT = Scenario(_old, _cut, _is_sound)
DISCARD = Scenario(_half, _discard, _is_sound)
CHANGE = Scenario(_half, _changed, _is_sound)


SOURCE = UploadSource("memory://bucket/up", "/f", 4 * PIECE, (1, 2, 3), PIECE)


class UploadStore:
    """What a store has of uploads in parts, in a folder beside the one that is watched: it survives the crash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.with_name(f"{folder.name}.store")
        self.folder.mkdir(exist_ok=True)

    def begin(self) -> str:
        name = str(len(list(self.folder.iterdir())) + 1)
        (self.folder / name).mkdir()
        return name

    def put(self, upload: str, number: int) -> PartTag:
        (self.folder / upload / str(number)).touch()
        return PartTag(f"tag {upload} {number}", {})

    def has(self, upload: str, number: int) -> bool:
        return (self.folder / upload / str(number)).exists()


def _upload(folder: Path) -> None:
    """Send what is missing of four parts, as the uploader does it."""
    store = UploadStore(folder)
    with UploadJournal(folder / "uploads").note(SOURCE) as note:
        if note.upload is None:
            note.begin(store.begin())
        for number in range(1, 5):
            if number not in note.parts:
                note.took(number, store.put(note.upload or "", number))
        assert all(note.parts[number] == PartTag(f"tag {note.upload} {number}", {}) for number in range(1, 5))
        note.forget()


def _sweep(folder: Path) -> None:
    UploadJournal(folder / "uploads").sweep(-1, lambda *_: True)


def _noted(folder: Path) -> None:
    store = UploadStore(folder)
    with UploadJournal(folder / "uploads").note(SOURCE) as note:
        note.begin(store.begin())
        note.took(2, store.put(note.upload or "", 2))


def _is_true(folder: Path) -> None:
    """What the note says is in the store is there; the next upload completes, and leaves no note."""
    store = UploadStore(folder)
    with UploadJournal(folder / "uploads").note(SOURCE) as note:
        assert all(store.has(note.upload or "", number) for number in note.parts), note.parts
    _upload(folder)
    assert list((folder / "uploads").iterdir()) == []


UPLOAD = Scenario(lambda _: None, _upload, _is_true)
RESUME_UPLOAD = Scenario(_noted, _upload, _is_true)
SWEEP_UPLOADS = Scenario(_noted, _sweep, _is_true)
