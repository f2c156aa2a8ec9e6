"""An editor with a server of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.lsp.client import Editor


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    pytest.importorskip("pygls", reason="the language server needs the extra lsp")
    with Editor(tmp_path) as started:
        yield started
