"""Writes what is generated and checked in: pages under ``docs/``, the JSON Schema and the parser's tables."""

from pathlib import Path

from gpurules.cli.reference.gallery import gallery_page
from gpurules.cli.reference.pages import GENERATED, schema_text, tables_text, write_pages
from gpurules.language.tables import TABLES

if __name__ == "__main__":
    write_pages(Path("docs"))
    gallery = GENERATED.format(source="docs/gallery") + gallery_page(Path("docs", "gallery"))
    Path("docs", "gallery.md").write_text(gallery, encoding="utf-8")
    Path("grammars", "ruleset.schema.json").write_text(schema_text(), encoding="utf-8")
    Path("grammars", TABLES).write_text(tables_text(), encoding="utf-8")
