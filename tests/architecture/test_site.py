"""The documentation site: every page has its place in it, and pages name what exists."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest


def navigation(root: Path) -> set[str]:
    """Return the pages that ``mkdocs.yml`` names."""
    return set(re.findall(r"[\w./-]+\.md", (root / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]))


def test_every_page_but_those_of_codes_has_its_place_in_the_navigation(root: Path) -> None:
    docs = root / "docs"
    pages = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")}
    assert navigation(root) == {page for page in pages if not re.fullmatch(r"checks/GPR\d{3}\.md", page)}


def test_every_guide_is_in_the_list_of_guides(root: Path) -> None:
    folder = root / "docs" / "how-to"
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (folder / "index.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in folder.glob("*.md")} - {"index.md"}


def test_the_api_page_shows_every_public_name(root: Path) -> None:
    import gpurules

    shown = re.findall(r"^::: gpurules\.(\w+)$", (root / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(gpurules.__all__)


def hook(root: Path, name: str) -> ModuleType:
    """Return the hook ``docs/NAME.py`` of the site."""
    spec = importlib.util.spec_from_file_location(name, root / "docs" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_worker_of_the_search_is_in_the_site(root: Path) -> None:
    pytest.importorskip("mkdocs")
    offline = hook(root, "offline")
    page = '<script src="https://unpkg.com/iframe-worker/shim"></script><a href="https://keepachangelog.com/">x</a>'
    assert '<script src="../assets/iframe-worker.js"></script>' in offline.without_network(page, "checks/GPR104.html")
    assert (root / "docs" / "assets" / "iframe-worker.js").is_file()


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://unpkg.com/other"></script>',
        "<script async src=https://cdn.example/x.js></script>",
        '<link rel="stylesheet" href="https://fonts.example/x.css">',
        '<img alt="x" src="http://example.com/x.png">',
    ],
)
def test_a_page_that_loads_from_the_network_fails_the_build(root: Path, tag: str) -> None:
    exceptions = pytest.importorskip("mkdocs.exceptions")
    with pytest.raises(exceptions.PluginError, match="docs/assets"):
        hook(root, "offline").without_network(tag, "index.html")


def test_every_fence_says_only_what_the_site_understands(root: Path) -> None:
    fences = hook(root, "fences")
    understood = re.compile(r'```(\w+)?( title="[^"]+")?')
    pages = sorted((root / "docs").rglob("*.md"))
    written = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines() if "```" in line]
    assert any("title=" in line for line in written)
    for page in pages:
        for line in fences.on_page_markdown(page.read_text(encoding="utf-8")).splitlines():
            assert "```" not in line or understood.fullmatch(line.strip()), f"{page.name}: {line}"
