"""The documentation site: every page has its place in it, and pages name what exists."""

import importlib.util
import re
from pathlib import Path


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


def test_every_fence_says_only_what_the_site_understands(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("fences", root / "docs" / "fences.py")
    assert spec is not None and spec.loader is not None
    fences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fences)
    understood = re.compile(r'```(\w+)?( title="[^"]+")?')
    pages = sorted((root / "docs").rglob("*.md"))
    written = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines() if "```" in line]
    assert any("title=" in line for line in written)
    for page in pages:
        for line in fences.on_page_markdown(page.read_text(encoding="utf-8")).splitlines():
            assert "```" not in line or understood.fullmatch(line.strip()), f"{page.name}: {line}"
