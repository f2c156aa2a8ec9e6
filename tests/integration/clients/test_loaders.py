"""A real DataLoader with real workers, and real shards of WebDataset."""

import gc
import io
import logging
import tarfile

import pytest

from gpurules.clients import GovernedLoader
from gpurules.clients.filesystem import use
from tests.unit.clients.filesystem.conftest import Node

RULES = """
version: 1
name: pressure
rules:
  - name: fetch_little
    condition: gpu_temperature > 85
    action: reduce_prefetch
    parameters: {reduction_factor: 0}
  - name: fetch_half
    condition: gpu_temperature > 70
    action: reduce_prefetch
    parameters: {reduction_factor: 0.5}
"""


@pytest.fixture
def node():
    the = Node(RULES)
    use(the.governor)
    yield the
    use(None)


class Numbers:
    def __len__(self):
        return 60

    def __getitem__(self, place):
        return place


def streams():
    """Return a dataset whose workers have unequal parts, of which each ends by itself."""
    from torch.utils.data import IterableDataset, get_worker_info

    class Stream(IterableDataset):
        def __iter__(self):
            number = get_worker_info().id
            yield from range(number * 100, number * 100 + 6 + 10 * number)

    return Stream()


@pytest.fixture
def loader():
    data = pytest.importorskip("torch.utils.data")

    def make(dataset=None, **options):
        given = {"num_workers": 2, "prefetch_factor": 4, "batch_size": 2, "multiprocessing_context": "fork", **options}
        if not given["num_workers"]:
            given |= {"prefetch_factor": None, "multiprocessing_context": None}
        return data.DataLoader(dataset or Numbers(), **given)

    return make


def flat(batches):
    return [int(value) for batch in batches for value in batch]


def test_an_epoch_begins_with_as_many_batches_as_the_rules_leave(node, loader):
    governed = GovernedLoader(loader(), node.governor)
    for heat, under_way in ((40, 8), (75, 4), (90, 2)):  # of 2 workers each has at least one
        node.heat(heat)
        batches = iter(governed)
        assert batches._tasks_outstanding == under_way
        assert flat(batches) == list(range(60))
    assert governed.loader.prefetch_factor == 4, "the user's own setting stands"


def test_live_it_follows_at_each_batch_and_loses_none(node, loader):
    governed = GovernedLoader(loader(), node.governor, live=True)
    batches = iter(governed)
    found = flat([next(batches)])
    assert batches._tasks_outstanding <= 8 and governed.target() == 8
    node.heat(90)
    for _ in range(9):
        found += flat([next(batches)])
    assert len(batches._task_info) == 1
    node.heat(75)
    found += flat([next(batches)])
    assert len(batches._task_info) == 4
    node.heat(40)
    found += flat([next(batches)])
    assert len(batches._task_info) == 8
    assert found + flat(batches) == list(range(60))


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("persistent", [False, True])
def test_an_epoch_that_is_left_early_ends_its_workers_without_the_garbage_collector(node, loader, live, persistent):
    gc.disable()
    try:
        governed = GovernedLoader(loader(persistent_workers=persistent), node.governor, live=live)
        batches = iter(governed)
        next(batches)
        workers = list(batches._workers)
        del batches, governed
        assert not any(worker.is_alive() for worker in workers)
    finally:
        gc.enable()


@pytest.mark.parametrize("heat", [40, 75, 90])
@pytest.mark.parametrize("persistent", [False, True])
def test_what_comes_does_not_depend_on_the_rules(node, loader, heat, persistent):
    node.heat(heat)
    governed = GovernedLoader(loader(persistent_workers=persistent), node.governor, live=True)
    for _ in range(2):
        assert flat(governed) == list(range(60))
    stream = GovernedLoader(loader(streams(), persistent_workers=persistent), node.governor, live=True)
    for _ in range(2):
        assert sorted(flat(stream)) == [*range(6), *range(100, 116)]


def test_an_unknown_version_falls_back_to_epochs_and_says_so(node, loader, monkeypatch, caplog):
    monkeypatch.setattr("gpurules.clients.loaders.dataloader.LIVE_VERSIONS", frozenset({"1.0"}))
    governed = GovernedLoader(loader(), node.governor, live=True)
    with caplog.at_level(logging.WARNING):
        assert flat(governed) == list(range(60))
    assert "the prefetch is adjusted only at each epoch" in caplog.text
    assert node.governor.status().uncarried == {"dataloader": {"prefetch_factor": 1}}


def test_what_cannot_be_done_is_counted(node, loader):
    node.heat(90)
    assert flat(GovernedLoader(loader(num_workers=0), node.governor)) == list(range(60))
    assert node.governor.status().uncarried == {"dataloader": {"prefetch_factor": 1}}
    kept = GovernedLoader(loader(persistent_workers=True), node.governor)
    assert flat(kept) == flat(kept) == list(range(60))
    assert node.governor.status().uncarried == {"dataloader": {"prefetch_factor": 2}}


def test_a_policy_that_raises_leaves_the_loader_alone(node, loader, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("an action of another package")

    monkeypatch.setattr(node.engine, "decide", broken)
    governed = GovernedLoader(loader(), node.governor, live=True)
    assert flat(governed) == list(range(60))
    assert node.governor.status().counts.decisions_failed and len(governed) == 30


def test_webdataset_reads_shards_by_governed_urls(node, tmp_path):
    webdataset, fsspec = pytest.importorskip("webdataset"), pytest.importorskip("fsspec")
    from gpurules.clients.loaders import register

    for shard in range(2):
        with tarfile.open(tmp_path / f"shard-{shard}.tar", "w") as archive:
            for number in range(3):
                data = f"{shard}-{number}".encode()
                info = tarfile.TarInfo(f"{number}.txt")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    register()
    dataset = webdataset.WebDataset(f"gpurules:file://{tmp_path}/shard-{{0..1}}.tar", shardshuffle=False)
    assert [sample["txt"].decode() for sample in dataset] == [f"{s}-{n}" for s in range(2) for n in range(3)]
    fsspec.filesystem("gpurules", target_protocol="file").client.status()  # it forgets its files; they end here
    assert node.counts.done == 2 and node.counts.bytes_moved > 0
