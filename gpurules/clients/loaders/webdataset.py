"""Governed shards of WebDataset, by URL: ``gpurules:s3://bucket/shard-{000..099}.tar``."""

from collections.abc import Mapping
from typing import Any

from gpurules.clients.client import GOVERNED, Capability
from gpurules.errors import UnavailableError

SCHEME = "gpurules"


class WebDatasetKind:
    """The kind of client, as registered; its files are those of fsspec."""

    name = "webdataset"
    capabilities = GOVERNED | {Capability.STAGE, Capability.PREFETCH}

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        from importlib.util import find_spec

        missing = [name for name in ("webdataset", "fsspec") if find_spec(name) is None]
        return f"{' and '.join(missing)}: not installed; pip install 'gpurules[fsspec]' webdataset" if missing else None


def register(storage_options: Mapping[str, object] | None = None) -> None:
    """Let WebDataset open ``gpurules:`` URLs through fsspec, with these *storage_options*, in this process.

    The URL has one colon, because WebDataset splits URLs at two. Forked workers inherit the registration; spawned
    workers call this themselves (``worker_init_fn``).

    Raises:
        UnavailableError: webdataset or fsspec is not installed.
    """
    reason = WebDatasetKind().unavailable()
    if reason is not None:
        raise UnavailableError(reason)
    from webdataset.gopen import gopen_schemes

    options = dict(storage_options or {})

    def opened(url: str, mode: str = "rb", bufsize: int = 8192, **others: Any) -> Any:
        import fsspec  # type: ignore[import-untyped]

        behind = url.removeprefix(SCHEME).lstrip(":")
        return fsspec.open(f"{SCHEME}::{behind}", mode if "b" in mode else f"{mode}b", **options).open()

    gopen_schemes[SCHEME] = opened
