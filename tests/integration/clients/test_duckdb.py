"""A registered filesystem in DuckDB: files, stars, partitions, writes, over files, memory and S3."""

import pytest

pytest.importorskip("s3fs")
pytest.importorskip("duckdb")
pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import duckdb
import fsspec
import pandas

from gpurules import Engine, loads
from gpurules.clients.filesystem import use
from gpurules.governor import Governor


@pytest.fixture
def governor():
    the = Governor(Engine(loads("version: 1\nname: none\nrules: []")))
    use(the)
    yield the
    use(None)


@pytest.fixture(params=["file", "memory", "s3"])
def place(request, governor, tmp_path):
    """A filesystem, and the folder in it."""
    if request.param == "s3":
        server = request.getfixturevalue("server")
        request.getfixturevalue("client")
        client = {"endpoint_url": f"http://127.0.0.1:{server.port}"}
        options = {"key": "test", "secret": "test", "client_kwargs": client, "use_listings_cache": False}
        fs, folder = fsspec.filesystem("gpurules", target_protocol="s3", **options), "bucket/duck"
    elif request.param == "memory":
        fs, folder = fsspec.filesystem("gpurules", target_protocol="memory"), "/duck"
    else:
        fs, folder = fsspec.filesystem("gpurules", target_protocol="file", auto_mkdir=True), str(tmp_path)
    yield fs, folder
    if fs.exists(folder):
        fs.rm(folder, recursive=True)
    type(fs.fs).clear_instance_cache()
    type(fs).clear_instance_cache()


@pytest.fixture
def database(place):
    fs, folder = place
    with duckdb.connect() as the:
        the.register_filesystem(fs)
        for number in (1, 2):
            with fs.open(f"{folder}/k={number}/rows.parquet", "wb") as file:
                pandas.DataFrame({"n": [number, 10 * number]}).to_parquet(file)
        yield the, folder


FORMS = ["gpurules://{}", "gpurules://{protocol}://{}"]


@pytest.mark.parametrize("form", FORMS)
def test_files_are_read_one_by_one_and_by_stars(database, place, form):
    the, folder = database
    protocol = place[0].fs.unstrip_protocol("x").partition("://")[0]
    one, all_of_them = (
        form.format(f"{folder}/{end}", protocol=protocol) for end in ("k=2/rows.parquet", "*/*.parquet")
    )
    assert the.sql(f"SELECT sum(n) FROM '{one}'").fetchall() == [(22,)]
    assert the.sql(
        f"SELECT k, sum(n) FROM read_parquet('{all_of_them}', hive_partitioning=true) GROUP BY k ORDER BY k"
    ).fetchall() == [(1, 11), (2, 22)]
    names = [name for (name,) in the.sql(f"SELECT file FROM glob('{all_of_them}')").fetchall()]
    assert len(names) == 2 and all(name.startswith("gpurules://") and "::" not in name for name in names)
    assert the.sql(f"SELECT count(*) FROM read_parquet({names})").fetchall() == [(4,)], "a name leads back to its file"


def test_tables_are_written_and_read_back(database, place, governor):
    the, folder = database
    the.execute(f"COPY (SELECT range AS n FROM range(1000)) TO 'gpurules://{folder}/out.parquet'")
    the.execute(f"COPY (SELECT range AS n FROM range(10)) TO 'gpurules://{folder}/out.csv'")
    assert the.sql(f"SELECT sum(n) FROM 'gpurules://{folder}/out.parquet'").fetchall() == [(499500,)]
    assert the.sql(f"SELECT sum(n) FROM 'gpurules://{folder}/out.csv'").fetchall() == [(45,)]
    the.close()
    status = place[0].client.status()
    assert status.counts.failed == 0 and status.counts.done >= 6 and status.transfers == ()
