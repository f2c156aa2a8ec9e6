"""Recordings in compressed files and in other encodings, recognized by their content."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from gpurules.telemetry import Replay, TelemetryError, TelemetryUnavailable, read_transfers, replay
from gpurules.telemetry.recordings import files

TEXT = "index, fan.speed [%]\n" + "".join(f"0, {n % 100} %\n" for n in range(1500))


def zipped(data: bytes, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("log.csv",):
            archive.writestr(name, data)
    return buffer.getvalue()


def parts(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Compress in two streams, one after the other, as when a log is compressed piece by piece."""
    return lambda data: compress(data[:1000]) + compress(data[1000:])


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "gz in parts": parts(gzip.compress),
    "xz in parts": parts(lzma.compress),
    "bz2 in parts": parts(bz2.compress),
    "zst in parts": parts(zstandard.ZstdCompressor(write_checksum=True).compress),
    "zip": zipped,
}


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def player(data: bytes, name: str = "recording", **options: Any) -> tuple[list[float], Replay]:
        (tmp_path / name).write_bytes(data)
        source = replay(tmp_path / name, **options)
        return [snapshot.gpus[0].fan_speed or 0 for snapshot in source], source

    return player


@pytest.mark.parametrize("how", COMPRESSORS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_compressed_recording_is_read_whatever_its_name(play: Any, how: str, encoding: str) -> None:
    fans, source = play(COMPRESSORS[how](TEXT.encode(encoding)))
    assert fans == [n % 100 for n in range(1500)]
    assert source.problem_count == 0


@pytest.mark.parametrize("how", ["gz", "xz", "zst in parts"])
def test_a_compressed_recording_that_is_cut_off_costs_its_end_and_says_so(play: Any, how: str) -> None:
    noise = "".join(f"0, {n * 7919 % 101} %\n" for n in range(5000))
    data = COMPRESSORS[how](("index, fan.speed [%]\n" + noise).encode())
    fans, source = play(data[: len(data) * 2 // 3])
    whole = [n * 7919 % 101 if n * 7919 % 101 <= 100 else 0 for n in range(5000)]
    assert 0 < len(fans) < 5000
    assert fans[:-1] == whole[: len(fans) - 1]
    assert any("damaged or cut off" in problem for problem in source.problems)


@pytest.mark.parametrize("rows", [500, 5000, 50_000])
def test_all_that_precedes_the_end_of_a_truncated_gzip_file_is_used(play: Any, rows: int) -> None:
    text = "index, fan.speed [%]\n" + "".join(f"0, {n * 7919 % 101} %\n" for n in range(rows))
    cut = COMPRESSORS["gz"](text.encode())
    cut = cut[: len(cut) * 2 // 3]
    there = zlib.decompressobj(31).decompress(cut)
    fans, source = play(cut)
    assert there.count(b"\n") - 1 <= len(fans) <= there.count(b"\n")
    assert any("damaged or cut off" in problem for problem in source.problems)


@pytest.mark.parametrize("how", COMPRESSORS)
def test_a_damaged_file_gives_no_other_figures(play: Any, how: str) -> None:
    data = bytearray(COMPRESSORS[how](TEXT.encode()))
    for at in (len(data) // 2, len(data) // 2 + 1):
        data[at] ^= 0x5A
    try:
        fans, source = play(bytes(data))
    except TelemetryError as error:
        assert str(error)
    else:
        assert fans == [n % 100 for n in range(1500)][: len(fans)] or source.problem_count


@pytest.mark.parametrize("how", ["gz", "xz", "bz2", "zst", "zip"])
def test_a_bomb_is_refused_while_it_expands(play: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FREE", 1 << 18)
    monkeypatch.setattr(files, "MAX_RATIO", 20)
    with pytest.raises(TelemetryError, match="expands to more than 20 times its size"):
        play(COMPRESSORS[how]((b"index, fan.speed\n" + b"0, 1\n" * 100) + b"\n" * (4 << 20)))


def test_a_file_may_not_expand_without_bound_at_any_ratio(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_EXPANDED", 1 << 12)
    with pytest.raises(TelemetryError, match="expands to more than"):
        play(gzip.compress(TEXT.encode()))


def test_without_the_library_of_zstd_the_extra_is_named(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(TelemetryUnavailable, match=r"gpurules\[zstd\].*zstd -d"):
        play(COMPRESSORS["zst"](TEXT.encode()))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(b"x", "a.csv", "b.csv"), "a ZIP archive of 2 files; extract the recording first"),
        (
            zipped(b"x", "[Content_Types].xml", "xl/sheet1.xml"),
            "a spreadsheet workbook; save its sheet as CSV",
        ),
        (b"PK\x03\x04" + b"x" * 50, "a ZIP archive that cannot be read"),
        (gzip.compress(b"\0" * 257 + b"ustar\x0000" + b"\0" * 300), "a tar archive"),
    ],
    ids=["several files", "workbook", "damaged", "tar"],
)
def test_archives_and_workbooks_are_named_with_the_remedy(play: Any, data: bytes, message: str) -> None:
    with pytest.raises(TelemetryError, match=message):
        play(data)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read(play: Any, encoding: str) -> None:
    fans, source = play("index, name, fan.speed [%]\r\n0, Grafikkarte Ä, 7 %\r\n".encode(encoding))
    assert (fans, source.problem_count) == ([7], 0)


@pytest.mark.parametrize("damage", [b"\xff", b"\xe9", b"\0", b"\xed\xa0\x80"], ids=["ff", "e9", "nul", "surrogate"])
def test_a_byte_that_is_not_utf_8_costs_what_it_stands_in(play: Any, damage: bytes) -> None:
    header = b"index, name, fan.speed [%], power.draw [W]\n"
    fans, source = play(header + b"0, a" + damage + b"b, 7 %, 40 W\n")
    assert (fans, source.problem_count) == ([7], 0)
    fans, source = play(header + b"0, ab, 7 %, 4" + damage + b"0 W\n")
    assert (fans, source.problem_count) == ([7], 0)
    fans, source = play(header + damage * 4 + b"\n0, ab, 7 %, 40 W\n")
    assert (fans, source.problem_count) == ([7], 1)


def test_a_list_of_transfers_may_be_compressed_too(tmp_path: Path) -> None:
    (tmp_path / "transfers.gz").write_bytes(gzip.compress(b'{"path": "/a", "size": 1}\n' * 3))
    assert len(list(read_transfers(tmp_path / "transfers.gz"))) == 3
