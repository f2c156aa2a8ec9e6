"""Files that are read and written at once, grown, cut off and flushed: as without ``gpurules::``."""

import io

import fsspec
import pytest

START = b"0123456789"


def edit(file) -> list[object]:
    """Write, read, write again, go back; return what was seen on the way."""
    seen = [file.write(b"ab"), file.tell()]
    file.seek(4)
    seen += [file.read(3), file.tell(), file.write(b"XY")]
    file.seek(0)
    return [*seen, file.read(), file.seekable(), file.readable(), file.writable()]


@pytest.mark.parametrize("mode", ["r+b", "rb+", "w+b", "wb+", "a+b", "ab+"])
def test_a_local_file_is_read_and_written_at_once(node, tmp_path, mode):
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    for path in (plain, ours):
        path.write_bytes(START)
    with fsspec.open(f"file://{plain}", mode) as file:
        wanted = [*edit(file)[:-2], True, True]
    with fsspec.open(f"gpurules::file://{ours}", mode) as file:
        assert edit(file) == wanted
    assert ours.read_bytes() == plain.read_bytes()
    assert (node.counts.done, node.counts.failed) == (1, 0)


@pytest.mark.parametrize("mode", ["r+", "w+", "a+"])
def test_a_local_text_file_is_read_and_written_at_once(node, tmp_path, mode):
    (tmp_path / "ours").write_bytes(START)
    fs = fsspec.filesystem("gpurules", target_protocol="file")
    with fs.open(str(tmp_path / "ours"), mode) as file:
        file.write("é")
        file.seek(0)
        assert "é" in file.read()
    assert "é".encode() in (tmp_path / "ours").read_bytes()


@pytest.mark.parametrize("mode", ["r+b", "wb", "ab", "w+b"])
def test_a_file_in_memory_is_written_in_each_mode_that_memory_has(node, mode):
    memory = fsspec.filesystem("memory")
    found = []
    for url in ("memory:///modes/plain", "gpurules::memory:///modes/ours"):
        memory.pipe("/modes/" + url.rpartition("/")[2], START)
        try:
            with fsspec.open(url, mode) as file:
                file.write(b"ab")
            found.append(memory.cat("/modes/" + url.rpartition("/")[2]))
        except (ValueError, NotImplementedError, OSError) as error:
            found.append(type(error))
    memory.rm("/modes", recursive=True)
    assert found[0] == found[1]
    assert not node.governor.status().transfers


def test_what_is_flushed_can_be_read_by_others_before_the_file_is_closed(node, tmp_path):
    for mode in ("wb", "ab", "w+b", "r+b"):
        with fsspec.open(f"gpurules::file://{tmp_path}/log", mode) as file:
            file.write(b"line\n")
            file.flush()
            assert (tmp_path / "log").read_bytes().endswith(b"line\n"), mode


@pytest.mark.parametrize("mode", ["r+b", "wb", "w+b"])
def test_a_file_is_cut_off_where_one_says(node, tmp_path, mode):
    sizes = []
    for name, url in (("plain", "file://"), ("ours", "gpurules::file://")):
        (tmp_path / name).write_bytes(START)
        with fsspec.open(f"{url}{tmp_path}/{name}", mode) as file:
            file.write(b"abcdef")
            assert file.truncate(4) == 4
        sizes.append((tmp_path / name).read_bytes())
    assert sizes[0] == sizes[1]


def test_exclusive_creation_is_refused_where_the_file_is_there(node, tmp_path):
    url = f"gpurules::file://{tmp_path}/x"
    with fsspec.open(url, "xb") as file:
        file.write(START)
    with pytest.raises(FileExistsError):
        fsspec.open(url, "xb").open()
    assert (tmp_path / "x").read_bytes() == START
    assert (node.counts.done, node.counts.failed) == (1, 1)


def test_a_mode_that_the_filesystem_behind_lacks_is_its_error_and_leaves_no_transfer(node, tmp_path):
    with pytest.raises(io.UnsupportedOperation), fsspec.open(f"gpurules::file://{tmp_path}/w", "wb") as file:
        file.read()
    with pytest.raises(ValueError):
        fsspec.open(f"gpurules::file://{tmp_path}/w", "qb").open()
    assert not node.governor.status().transfers


def test_a_write_that_pauses_goes_on_in_a_file_that_is_read_too(node, tmp_path):
    import threading

    (tmp_path / "big").write_bytes(bytes(3_000_000))
    fs = fsspec.filesystem("gpurules", target_protocol="file", block_size=1_000_000)
    with fs.open(str(tmp_path / "big"), "r+b") as file:
        file.write(bytes(500_000))
        file.seek(0)
        node.heat(90)
        rest: list[bytes] = []
        thread = threading.Thread(target=lambda: rest.append(file.read()))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive() and node.governor.status().transfers[0].state == "paused"
        node.heat(60)
        thread.join(5)
        assert len(rest[0]) == 3_000_000


def test_every_byte_that_is_written_is_counted_whatever_the_size_of_the_writes(node, tmp_path):
    fs = fsspec.filesystem("gpurules", target_protocol="file", block_size=1000)
    for number, size in enumerate((1, 999, 1000, 1001, 50_000)):
        before = node.counts.bytes_moved
        with fs.open(f"{tmp_path}/{number}", "w+b") as file:
            file.write(bytes(size))
        assert size <= node.counts.bytes_moved - before <= size + 1000
