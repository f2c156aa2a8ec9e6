"""A filesystem in place of another: its cache of instances, its defaults, its listings, its names."""

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.unit.clients.filesystem.open_files.test_blocks import DATA, RangeFileSystem

GOVERNED = fsspec.get_filesystem_class("gpurules")


class Ranges(RangeFileSystem):
    """By ranges, with the defaults that stores of objects take."""

    cachable = True

    def __init__(self, default_block_size=None, default_cache_type="readahead", **options):
        super().__init__(**options)
        self.default_block_size, self.default_cache_type = default_block_size, default_cache_type


@pytest.fixture(autouse=True)
def protocols(node):
    fsspec.register_implementation("ranges", Ranges, clobber=True)
    yield
    for kind in (MemoryFileSystem, Ranges, GOVERNED):
        kind.clear_instance_cache()
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


WAYS = {
    "url": lambda **options: fsspec.url_to_fs("gpurules::memory:///", **options)[0],
    "open": lambda **options: fsspec.open("gpurules::memory:///x", "wb", **options).fs,
    "hop": lambda **options: fsspec.url_to_fs("gpurules://memory:///", **options)[0],
    "name": lambda **options: fsspec.filesystem("gpurules", target_protocol="memory", **options),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_instance_is_shared_where_none_is_to_be_also_not_of_what_is_behind(way):
    make = WAYS[way]
    assert make().fs is make().fs
    alone = make(skip_instance_cache=True)
    assert alone.fs is not make().fs and alone.fs is not make(skip_instance_cache=True).fs
    assert alone.fs not in list(MemoryFileSystem._cache.values())


@pytest.mark.parametrize("way", WAYS)
def test_options_of_listings_and_others_reach_what_is_behind(way):
    fs = WAYS[way](use_listings_cache=False, listings_expiry_time=7)
    assert fs.fs.storage_options["use_listings_cache"] is False and fs.fs.storage_options["listings_expiry_time"] == 7


def test_the_listings_are_those_that_what_is_behind_keeps():
    fs = fsspec.filesystem("gpurules", fs=Ranges())
    assert fs.dircache is fs.fs.dircache
    fs.fs.dircache["folder"] = [{"name": "folder/a", "size": 1, "type": "file"}]
    assert fs.dircache["folder"] and fs._ls_from_cache("folder/a")
    fs.dircache.clear()
    assert "folder" not in fs.fs.dircache


def test_the_current_one_is_the_latest_over_the_same_kind():
    memory = fsspec.filesystem("gpurules", target_protocol="memory")
    first = fsspec.filesystem("gpurules", target_protocol="ranges")
    second = fsspec.filesystem("gpurules", target_protocol="ranges", default_block_size=7)
    assert memory.current() is memory and first.current() is second and GOVERNED.current() is second
    fsspec.filesystem("gpurules", target_protocol="ranges")
    assert second.current() is first, "the one that was asked for last, as in fsspec"
    fsspec.filesystem("gpurules", target_protocol="ranges", skip_instance_cache=True)
    assert second.current() is first, "one that is not kept is not shared"
    GOVERNED.clear_instance_cache()
    assert type(memory.current().fs) is MemoryFileSystem, "where none is kept, one is made"


def test_attributes_of_the_kind_behind_are_its_own():
    fs = fsspec.filesystem("gpurules", target_protocol="memory")
    for name in ("sep", "root_marker", "blocksize", "transaction_type", "store", "pseudo_dirs"):
        assert getattr(fs, name) == getattr(fs.fs, name), name


@pytest.mark.parametrize(
    "make",
    [
        lambda options: fsspec.filesystem("gpurules", fs=Ranges(**options)),
        lambda options: fsspec.filesystem("gpurules", target_protocol="ranges", **options),
    ],
)
def test_the_defaults_of_what_is_behind_hold(make):
    fs = make({"default_block_size": 700, "default_cache_type": "bytes"})
    with fs.open("a.bin") as file:
        assert (file.cache.name, file.blocksize) == ("bytes", 700)
        assert file.read() == DATA
    with fs.open("a.bin", block_size=900, cache_type="readahead") as file:
        assert (file.cache.name, file.blocksize) == ("readahead", 900), "what is said at opening stands above"
    with make({}).open("a.bin") as file:
        assert (file.cache.name, file.blocksize) == ("gpurules", 8 * 1024**2), "without any, ours"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "form",
    [
        "{plain}",
        "gpurules::memory://{plain}",
        "gpurules://memory://{plain}",
        "gpurules://{plain}",
        "memory://{plain}",
        "gpurules://{plain}::memory://{plain}",
    ],
)
def test_a_name_comes_back_plain_in_whatever_form_it_went_in(way, form):
    fs = WAYS[way]()
    MemoryFileSystem.store.clear()
    fs.pipe(form.format(plain="/d/deep/a.bin"), b"abc")
    said = form.format(plain="/d")
    assert fs.fs.find("/d") == ["/d/deep/a.bin"]
    assert fs.find(said) == ["/d/deep/a.bin"] == fs.glob(form.format(plain="/d/**/*.bin")) == fs.find(path=said)
    assert fs.ls(said, detail=False) == ["/d/deep"] and fs.info(said)["name"] == "/d"
    assert [root for root, _, _ in fs.walk(said)] == ["/d", "/d/deep"]
    assert fs.expand_path(said, recursive=True) == fs.fs.expand_path("/d", recursive=True)
    assert fs.cat(form.format(plain="/d/deep/*")) == {"/d/deep/a.bin": b"abc"}
    assert fs.exists(said) and fs.isdir(said) and not fs.isfile(said)
    url = fs.unstrip_protocol("/d/deep/a.bin")
    assert url == "gpurules://memory:///d/deep/a.bin" == fs.unstrip_protocol(url)
    again, path = fsspec.url_to_fs(url)
    assert type(again) is GOVERNED and again.fs is fs.fs and path == "/d/deep/a.bin" == fs._strip_protocol(url)


@pytest.mark.parametrize("first", ["gpurules::memory://", "gpurules://memory://"])
def test_urls_with_stars_open_the_files_that_are_there(first):
    fs = WAYS["name"]()
    fs.pipe({"/d/a.bin": b"a", "/d/b.bin": b"b"})
    with fsspec.open_files(f"{first}/d/*.bin") as files:
        assert [file.read() for file in files] == [b"a", b"b"]
    with fsspec.open_files(f"{first}/new/*.bin", "wb", num=2) as files:
        for file in files:
            file.write(b"n")
    assert sorted(fs.find("/new")) == ["/new/0.bin", "/new/1.bin"]
    assert fsspec.get_mapper(f"{first}/d")["a.bin"] == b"a"


def test_a_url_of_one_hop_shows_what_its_protocol_does():
    from gpurules.clients.filesystem.underlying import options_in

    assert options_in("gpurules://ftp://someone:secret@host:99/path") == {
        "target_protocol": "ftp",
        "host": "host",
        "port": 99,
        "username": "someone",
        "password": "secret",
    }
    assert options_in("gpurules://bucket/key") == {} == options_in("gpurules://") == options_in("gpurules:///tmp/x")
