"""Whatever is typed or sent, the server answers the next question, and ends as the protocol says."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lsp.client import WAIT_SECONDS, Editor
from tests.integration.lsp.test_diagnostics import RULESET
from tests.integration.lsp.test_naming import BASE

QUESTIONS = [
    ("textDocument/completion", {}),
    ("textDocument/hover", {}),
    ("textDocument/definition", {}),
    ("textDocument/references", {"context": {"includeDeclaration": True}}),
    ("textDocument/documentHighlight", {}),
    ("textDocument/prepareRename", {}),
    ("textDocument/codeAction", {"context": {"diagnostics": []}}),
    ("textDocument/formatting", {"options": {"tabSize": 2, "insertSpaces": True}}),
    ("textDocument/documentSymbol", {}),
    ("textDocument/foldingRange", {}),
]


def ask_everything(editor: Editor, uri: str, line: int, character: int) -> None:
    position = {"line": line, "character": character}
    place = {"textDocument": {"uri": uri}, "position": position, "range": {"start": position, "end": position}}
    for method, more in QUESTIONS:
        editor.ask(method, {**place, **more})


def complaints(editor: Editor) -> list[str]:
    return [m["params"]["message"] for m in editor.notifications if m["method"] == "window/logMessage"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeff",
        "\t",
        "rules: [",
        "rules:\n- name: {",
        "rules:\n  - 'a\n",
        "&a [*a]",
        "a: &x {b: *x}",
        "? a\n: b",
        "%YAML 9.9\n---\n",
        "--- a\n--- b\n",
        "\x00\x01\x02",
        "\ud800 rules:",
        "[" * 3000,
        "a: " * 500,
        "rules:\n" + "  - name: a\n    condition: " + "(" * 5000,
        "rules:\n  - condition: '" + "x" * 70_000,
        "version: 1\nrules: {a: b}\nsignals: []\ndefine: 3\nextends: {x: y}\ninputs: null\nfields: [1]\n",
        "version: 1\nrules: [1, [2], {name: [x], condition: {a: b}, action: [], parameters: 3, actions: x}]\n",
        "version: 1\nextends: [./a.rules.yaml, '\x00', 3, {from: [x]}, {with: 3}, /, .]\nrules: []\n",
        "\u2028rules:\u2028- a\x0b\x0c\x85b: c\r- x\r\n",
        "version: 1\nname: x\nrules:\n  - <<: 3\n    <<: [1]\n    name: *b\n",
    ],
    ids=range(22),
)
def test_every_question_about_a_strange_text_is_answered(editor: Editor, text: str) -> None:
    uri = editor.open("a.rules.yaml", text)
    editor.diagnostics(uri)
    lines = text.split("\n")
    for line, character in [(0, 0), (len(lines) - 1, len(lines[-1])), (len(lines) // 2, 3), (10**6, 10**6)]:
        ask_everything(editor, uri, line, min(character, 2**31 - 1))
    assert complaints(editor) == []


def test_every_prefix_of_a_ruleset_can_be_typed(editor: Editor) -> None:
    uri = editor.open("base.rules.yaml", "")
    for end in range(0, len(BASE) + 1, 7):
        text = BASE[:end]
        editor.change(uri, text)
        ask_everything(editor, uri, text.count("\n"), len(text.rpartition("\n")[2]))
    assert complaints(editor) == []


def test_random_damage_does_no_harm(editor: Editor) -> None:
    chance = random.Random(7)
    uri = editor.open("base.rules.yaml", BASE)
    for _ in range(60):
        start = chance.randrange(len(BASE))
        middle = "".join(chance.choice("{}[]'\"#:&*!|>-?, \n\tx😀\u2028\r$%@`") for _ in range(chance.randrange(6)))
        text = BASE[:start] + middle + BASE[start + chance.randrange(12) :]
        editor.change(uri, text)
        ask_everything(editor, uri, chance.randrange(16), chance.randrange(40))
    assert complaints(editor) == []


def test_a_huge_text_is_refused_once_and_questions_are_still_answered(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", "# " + "x" * (11 * 1024 * 1024))
    (found,) = editor.diagnostics(uri)
    assert found["code"] == "GPR009"
    ask_everything(editor, uri, 0, 5)
    other = editor.open("b.rules.yaml", RULESET.format("nope"))
    assert [one["code"] for one in editor.diagnostics(other)] == ["GPR101"]


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n\r\n",
        b"nonsense\r\n\r\n",
        framed(b"{nope"),
        framed(b"null"),
        framed(b"[]"),
        framed(b"\xff\xfe"),
        framed(b'{"jsonrpc": "2.0", "method": "nope"}'),
        framed(b'{"jsonrpc": "2.0", "id": 99, "method": "nope/no"}'),
        framed(b'{"jsonrpc": "2.0", "id": 98, "method": "textDocument/hover"}'),
        framed(b"[" * 100_000),
        framed(b" " * 70_000_000),
    ],
    ids=range(11),
)
def test_a_message_that_makes_no_sense_is_passed_over(editor: Editor, sent: bytes) -> None:
    editor.send(sent)
    uri = editor.open("a.rules.yaml", RULESET.format("nope"))
    assert [one["code"] for one in editor.diagnostics(uri)] == ["GPR101"]


def test_questions_about_texts_that_are_not_open_are_answered_with_nothing(editor: Editor) -> None:
    for uri in (editor.uri("none.rules.yaml"), "untitled:Untitled-1", "https://x/y", "", "file:///a%00b"):
        asked = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
        assert editor.ask("textDocument/hover", asked) is None


def test_a_text_that_was_never_saved_is_served_too(editor: Editor) -> None:
    uri = "untitled:Untitled-1"
    item = {"uri": uri, "languageId": "yaml", "version": 1, "text": RULESET.format("gpu_memroy > 80")}
    editor._versions[uri] = 1
    editor.notify("textDocument/didOpen", {"textDocument": item})
    assert [one["code"] for one in editor.diagnostics(uri)] == ["GPR101"]
    ask_everything(editor, uri, 4, 20)


def test_folders_and_files_that_are_no_texts_do_no_harm_as_bases(editor: Editor) -> None:
    (editor.folder / "folder.yaml").mkdir()
    (editor.folder / "binary.yaml").write_bytes(bytes(range(256)))
    text = "version: 1\nname: x\nextends: [./folder.yaml, ./binary.yaml, ./none.yaml]\n"
    uri = editor.open("a.rules.yaml", text)
    assert sorted(one["code"] for one in editor.diagnostics(uri)) == ["GPR408"] * 3
    ask_everything(editor, uri, 2, 15)


def test_typing_fast_checks_once(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", RULESET.format("gpu_memory > 1"))
    editor.diagnostics(uri)
    before = editor.published(uri)
    for number in range(200):
        editor.change(uri, RULESET.format(f"nope_{number}"))
    (found,) = editor.diagnostics(uri)
    assert "nope_199" in found["message"]
    # 200 messages are read in far less than the quiet that a check waits for; a slow machine may need a few
    assert editor.published(uri) - before <= 20


def test_an_answer_comes_while_a_large_ruleset_is_checked(editor: Editor) -> None:
    rules = "".join(
        f"  - name: r{n}\n    condition: gpu_memory > {n % 90} AND transfer_size > {n}MB\n    action: log\n"
        for n in range(700)
    )
    uri = editor.open("a.rules.yaml", "version: 1\nname: big\nrules:\n" + rules)
    asked = {"textDocument": {"uri": uri}, "position": {"line": 4, "character": 20}}
    assert editor.ask("textDocument/hover", asked)["contents"]["value"].startswith("**gpu_memory**")
    assert all(one["code"] != "GPR001" for one in editor.diagnostics(uri))


def test_it_shuts_down_as_the_protocol_says(editor: Editor) -> None:
    editor.open("a.rules.yaml", RULESET.format("nope"))
    assert editor.stop() == 0


def test_exit_without_shutdown_sets_the_exit_code(editor: Editor) -> None:
    editor.notify("exit", None)
    assert editor.process.wait(WAIT_SECONDS) == 1


def test_an_editor_that_is_gone_ends_the_server_without_a_word(editor: Editor) -> None:
    editor.open("a.rules.yaml", RULESET.format("nope"))
    assert editor.process.stdin is not None and editor.process.stderr is not None
    editor.process.stdin.close()
    assert editor.process.wait(WAIT_SECONDS) == 1
    assert editor.process.stderr.read() == b""


def test_a_closed_pipe_ends_the_server_without_a_word(tmp_path: Path) -> None:
    server = start(tmp_path)
    assert server.stdin is not None and server.stdout is not None and server.stderr is not None
    server.stdout.close()
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": null, "rootUri": null, '
    body += b'"capabilities": {}}}'
    with pytest.raises(BrokenPipeError):
        for _ in range(10_000):
            server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            server.stdin.flush()
            time.sleep(0.005)  # so that the server sees its broken pipe before 10,000 messages are written
    finish(server, 1)


def test_an_interrupt_ends_it_with_one_line(tmp_path: Path) -> None:
    server = start(tmp_path)
    with Editor(tmp_path) as editor:  # by the time that another has answered, this one listens
        editor.open("a.rules.yaml", RULESET.format("nope"))
    server.send_signal(signal.SIGINT)
    assert finish(server, 130).strip() == b"gpurules: interrupted"


def test_without_its_library_it_says_what_to_install(tmp_path: Path) -> None:
    blocked = "import sys; sys.modules['pygls'] = None; from gpurules.cli.main import run; sys.exit(run(['lsp']))"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'gpurules[lsp]'" in done.stderr


def start(folder: Path) -> "subprocess.Popen[bytes]":
    pytest.importorskip("pygls", reason="the language server needs the extra lsp")
    command = [sys.executable, "-m", "gpurules", "lsp"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe)


def finish(server: Any, code: int) -> bytes:
    """Wait until *server* ends with *code*, and return what it said on stderr."""
    assert server.wait(WAIT_SECONDS) == code
    said: bytes = server.stderr.read()
    for pipe in (server.stdin, server.stdout, server.stderr):
        try:
            pipe.close()
        except OSError:
            continue
    return said
