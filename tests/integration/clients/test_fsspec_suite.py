"""fsspec's own tests of a filesystem, over files, memory and S3 behind ``gpurules::``."""

import pytest

from tests.cases import EXHAUSTIVE

pytest.importorskip("s3fs")

import fsspec
from fsspec.tests.abstract import AbstractFixtures
from fsspec.tests.abstract.copy import AbstractCopyTests
from fsspec.tests.abstract.get import AbstractGetTests
from fsspec.tests.abstract.open import AbstractOpenTests
from fsspec.tests.abstract.pipe import AbstractPipeTests
from fsspec.tests.abstract.put import AbstractPutTests

from gpurules import Engine, loads
from gpurules.clients.filesystem import use
from gpurules.governor import Governor


@pytest.fixture(autouse=True)
def governed():
    """URLs that no rule concerns."""
    use(Governor(Engine(loads("version: 1\nname: none\nrules: []"))))
    yield
    use(None)


class FileFixtures(AbstractFixtures):
    @pytest.fixture
    def fs(self):
        return fsspec.filesystem("gpurules", target_protocol="file", auto_mkdir=True)

    @pytest.fixture
    def fs_path(self, tmp_path):
        return str(tmp_path / "remote")


class MemoryFixtures(AbstractFixtures):
    @pytest.fixture
    def fs(self):
        the = fsspec.filesystem("gpurules", target_protocol="memory")
        the.store.clear()
        the.pseudo_dirs[:] = [""]
        yield the
        the.store.clear()
        the.pseudo_dirs[:] = [""]

    @pytest.fixture
    def fs_join(self):
        return lambda *names: "/".join(names)

    @pytest.fixture
    def fs_path(self):
        return ""


class S3Fixtures(AbstractFixtures):
    @pytest.fixture
    def fs(self, server):
        client = {"endpoint_url": f"http://127.0.0.1:{server.port}"}
        options = {"key": "test", "secret": "test", "client_kwargs": client}
        the = fsspec.filesystem("gpurules", target_protocol="s3", **options)
        if the.exists("suite"):
            the.rm("suite", recursive=True)
        the.mkdir("suite")
        the.invalidate_cache()
        yield the
        type(the).clear_instance_cache()
        type(the.fs).clear_instance_cache()

    @pytest.fixture
    def fs_path(self):
        return "suite"

    @pytest.fixture
    def supports_empty_directories(self):
        return False


class TestFileCopy(AbstractCopyTests, FileFixtures):
    pass


class TestFileGet(AbstractGetTests, FileFixtures):
    pass


class TestFilePut(AbstractPutTests, FileFixtures):
    pass


class TestFileOpen(AbstractOpenTests, FileFixtures):
    pass


class TestFilePipe(AbstractPipeTests, FileFixtures):
    pass


class TestMemoryCopy(AbstractCopyTests, MemoryFixtures):
    pass


class TestMemoryGet(AbstractGetTests, MemoryFixtures):
    pass


class TestMemoryPut(AbstractPutTests, MemoryFixtures):
    pass


class TestMemoryOpen(AbstractOpenTests, MemoryFixtures):
    pass


class TestMemoryPipe(AbstractPipeTests, MemoryFixtures):
    pass


@EXHAUSTIVE
class TestS3Copy(AbstractCopyTests, S3Fixtures):
    pass


@EXHAUSTIVE
class TestS3Get(AbstractGetTests, S3Fixtures):
    pass


@EXHAUSTIVE
class TestS3Put(AbstractPutTests, S3Fixtures):
    pass


class TestS3Open(S3Fixtures):
    def test_open_exclusive(self, fs, fs_target):
        """As in ``AbstractOpenTests``; but s3fs finds out when the file is written, and so it does not pass that."""
        fs.pipe(fs_target, b"data")
        for one in (fs.fs, fs):
            file = one.open(fs_target, "xb")
            file.write(b"other")
            with pytest.raises(FileExistsError):
                file.close()
            assert one.cat(fs_target) == b"data"


class TestS3Pipe(AbstractPipeTests, S3Fixtures):
    pass
