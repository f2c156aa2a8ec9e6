"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gpurules"
NO_PLUGINS = {
    "backends": {
        "backend",
        "ambient_index",
        "bitmap_columns",
        "contextual_index",
        "emitter",
        "existential_rewrite",
        "facts",
        "literals",
        "reasons",
        "specialization",
        "straight",
        "subjects",
        "text_column",
        "text_tests",
    },
    "actions": {
        "action",
        "built_in",
        "interactions",
        "decision",
        "delivery",
        "explained",
        "registration",
        "targets",
        "templates",
    },
    "telemetry/sources": {"joined"},
}
"""The files of each folder of plug-ins that are none themselves."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports_of(module: Path) -> set[str]:
    """Return every module that *module* imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            found.add(node.module or "")
    return found


def test_every_import_contract_holds(root: Path) -> None:
    command = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_the_root_package() -> None:
    assert [module for module in MODULES if "gpurules" in imports_of(module)] == []


@pytest.mark.parametrize("folder", sorted(NO_PLUGINS))
def test_plug_ins_of_one_kind_do_not_import_each_other(folder: str) -> None:
    modules = {path.stem: path for path in (PACKAGE / folder).glob("*.py") if path.stem != "__init__"}
    plugins = modules.keys() - NO_PLUGINS[folder]
    for name in sorted(plugins):
        siblings = {f"gpurules.{folder.replace('/', '.')}.{other}" for other in plugins - {name}}
        assert not imports_of(modules[name]) & siblings, f"{name} imports a sibling"


def test_shipped_folders_hold_no_python(root: Path) -> None:
    """Editable installs would break."""
    assert [*(root / "grammars").rglob("*.py"), *(root / "rulesets").rglob("*.py")] == []
