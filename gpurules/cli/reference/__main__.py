"""Writes what is generated and checked in: codes of checks, pages under ``docs/``, the JSON Schema, parser tables."""

import os
import sys
from pathlib import Path

from gpurules.cli.reference.first_hour import first_hour_page
from gpurules.cli.reference.gallery import WIDTH, gallery_page
from gpurules.cli.reference.pages import GENERATED, check_codes_text, schema_text, tables_text, write_pages
from gpurules.diagnostics.catalogue import CHECK_CODES
from gpurules.language.syntax.tables import TABLES

if __name__ == "__main__":
    codes = Path("gpurules", "diagnostics", CHECK_CODES)
    if codes.read_text(encoding="utf-8") != (made := check_codes_text()):
        codes.write_text(made, encoding="utf-8")
        os.execv(sys.executable, [sys.executable, "-m", "gpurules.cli.reference"])  # with the new catalogue
    write_pages(Path("docs"))
    gallery = GENERATED.format(source="docs/gallery") + gallery_page(Path("docs", "gallery"))
    os.environ["COLUMNS"] = str(WIDTH)  # independent of this terminal
    first_hour = GENERATED.format(source="the commands") + first_hour_page()
    Path("docs", "first-hour.md").write_text(first_hour, encoding="utf-8")
    Path("docs", "gallery.md").write_text(gallery, encoding="utf-8")
    Path("grammars", "ruleset.schema.json").write_text(schema_text(), encoding="utf-8")
    Path("grammars", TABLES).write_text(tables_text(), encoding="utf-8")
