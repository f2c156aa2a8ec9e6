"""Neovim, configured as the documentation says, shows findings, hover, fixes and layout, and completes and renames."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.editors.programs import documented, program

TEXT = """\
version:   1
name: node
define:
  hot: gpu_temperature > 85
rules:
- name: hold
  condition: hot AND gpu_memroy>80
  action: pause_transfer
"""
NEAT = """\
version: 1
name: node
define:
  warm: gpu_temperature > 85
rules:
  - name: hold
    condition: warm AND gpu_memory > 80
    action: pause_transfer
"""
DRIVE = """
local out = {}
local function ask(method, params)
  for _, one in pairs(vim.lsp.buf_request_sync(0, method, params, 20000) or {}) do return one.result end
end
local function at(line, column)
  vim.api.nvim_win_set_cursor(0, { line, column })
  return vim.lsp.util.make_position_params(0, "utf-16")
end
vim.wait(30000, function() return #vim.diagnostic.get(0) > 0 end, 20)
out.findings = vim.tbl_map(function(d) return { d.code, d.lnum, d.col, d.end_col, d.source } end, vim.diagnostic.get(0))
out.hover = ask("textDocument/hover", at(8, 13)).contents.value
local place = vim.tbl_extend("error", at(7, 25), { context = { diagnostics = {} } })
place.range = { start = place.position, ["end"] = place.position }
for _, action in ipairs(ask("textDocument/codeAction", place)) do
  if vim.startswith(action.title, "GPR101") then vim.lsp.util.apply_workspace_edit(action.edit, "utf-16") end
end
local renamed = vim.tbl_extend("error", at(4, 3), { newName = "warm" })
vim.lsp.util.apply_workspace_edit(ask("textDocument/rename", renamed), "utf-16")
out.completed = vim.tbl_map(function(item) return item.label end, ask("textDocument/completion", at(7, 16)).items)
vim.lsp.buf.format({ timeout_ms = 20000 })
out.text = vim.api.nvim_buf_get_lines(0, 0, -1, false)
vim.wait(30000, function() return #vim.diagnostic.get(0) == 0 end, 20)
out.left = #vim.diagnostic.get(0)
vim.fn.writefile({ vim.json.encode(out) }, "out.json")
vim.cmd("qa!")
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of a session."""
    neovim = program("nvim")
    said = subprocess.run([neovim, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, said.split()[1].removeprefix("v").split("-")[0].split(".")[:2])) < (0, 11):
        pytest.skip("Neovim is older than 0.11")
    here: Path = tmp_path_factory.mktemp("neovim")
    for name, text in {
        "a.rules.yaml": TEXT,
        "gpurules.toml": "",
        "init.lua": documented("lua"),
        "drive.lua": DRIVE,
    }.items():
        (here / name).write_text(text, encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(here), "XDG_CACHE_HOME": str(here / ".cache")}
    command = [neovim, "--headless", "--clean", "-u", "init.lua", "a.rules.yaml", "-c", "luafile drive.lua"]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert (done.returncode, (here / "out.json").exists()) == (0, True), done.stderr
    found: dict[str, Any] = json.loads((here / "out.json").read_text(encoding="utf-8"))
    return found


def test_findings_appear(seen: dict[str, Any]) -> None:
    assert seen["findings"] == [["GPR101", 6, 21, 31, "gpurules"]]


def test_hover_works(seen: dict[str, Any]) -> None:
    assert seen["hover"].startswith("**pause_transfer**: directive")


def test_names_are_completed(seen: dict[str, Any]) -> None:
    assert {"gpu_memory", "warm", "NOT"} <= set(seen["completed"])


def test_a_fix_a_new_name_and_the_layout_are_taken_over(seen: dict[str, Any]) -> None:
    assert "\n".join(seen["text"]) + "\n" == NEAT
    assert seen["left"] == 0
