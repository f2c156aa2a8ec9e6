"""What is generated and checked in is fresh."""

import html
import importlib.util
import re
import sys
from pathlib import Path

import pytest

from gpurules.cli.reference.gallery import gallery_page
from gpurules.cli.reference.pages import GENERATED, check_codes_text, pages, schema_text, tables_text
from gpurules.diagnostics.catalogue import CHECK_CODES
from gpurules.language.syntax.tables import TABLES
from gpurules.linter import lint

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_what_make_docs_would_write(name: str, root: Path) -> None:
    assert (root / "docs" / name).read_text(encoding="utf-8") == PAGES[name], "run `make docs`"


def test_no_page_is_left_of_a_code_that_is_gone(root: Path) -> None:
    assert {f"checks/{path.name}" for path in (root / "docs" / "checks").iterdir()} <= set(PAGES)


def test_the_codes_of_the_checks_are_what_make_docs_would_write(root: Path) -> None:
    checked_in = (root / "gpurules" / "diagnostics" / CHECK_CODES).read_text(encoding="utf-8")
    assert checked_in == check_codes_text(), "run `make docs`"


def test_the_json_schema_is_what_make_docs_would_write(root: Path) -> None:
    assert (root / "grammars" / "ruleset.schema.json").read_text(encoding="utf-8") == schema_text(), "run `make docs`"


def test_the_tables_of_the_grammar_are_what_make_docs_would_write(root: Path) -> None:
    assert (root / "grammars" / TABLES).read_text(encoding="utf-8") == tables_text(), "run `make docs`"


def test_the_gallery_is_what_make_docs_would_write(root: Path) -> None:
    made = GENERATED.format(source="docs/gallery") + gallery_page(root / "docs" / "gallery")
    assert (root / "docs" / "gallery.md").read_text(encoding="utf-8") == made, "run `make docs`"


def test_every_ruleset_of_the_gallery_has_a_finding(root: Path) -> None:
    paths = sorted((root / "docs" / "gallery").glob("*.rules.yaml"))
    assert len(paths) >= 10
    assert [path.name for path in paths if not lint(path)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["demo", "explain", "lint", "watch"])
def test_a_picture_shows_what_the_command_prints(name: str, root: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("terminal", root / "docs" / "pictures" / "terminal.py")
    assert spec is not None and spec.loader is not None
    terminal = importlib.util.module_from_spec(spec)
    sys.modules["terminal"] = terminal  # its dataclass looks itself up
    spec.loader.exec_module(terminal)
    (picture,) = (one for one in terminal.PICTURES if one.name == name)
    terminal.write_facts(tmp_path)
    printed = terminal.plain(terminal.output(picture, tmp_path)).split()
    for theme in terminal.THEMES:
        svg = (root / "docs" / "pictures" / f"{name}-{theme}.svg").read_text(encoding="utf-8")
        drawn = html.unescape("".join(re.findall(r"<text[^>]*>([^<]*)", svg)))  # a word has a piece for each color
        assert [word for word in printed if word not in drawn] == [], "run `make pictures`"
