"""What ``import gpurules`` gives, and what it does not do."""

import subprocess
import sys

import gpurules

FACE = [
    *("Condition", "ConditionError", "Coordinator", "Decision", "Engine", "GPU", "Ruleset", "RulesetError"),
    *("Snapshot", "StateFile", "Transfer", "Workload", "aconnect", "action", "connect", "lint", "load", "loads"),
]
LATER = {"Coordinator"}
"""Names that are promised, and come with the node agent."""


def in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_face_is_what_was_promised() -> None:
    assert set(FACE) - LATER <= set(gpurules.__all__) <= set(FACE)


def test_every_public_name_is_there() -> None:
    assert all(getattr(gpurules, name) is not None for name in gpurules.__all__)


def test_no_package_bears_the_name_of_a_public_function() -> None:
    functions = {name for name in FACE if name[0].islower()}
    assert in_a_fresh_interpreter(
        f"import gpurules, pkgutil; print({functions!r} & {{m.name for m in pkgutil.iter_modules(gpurules.__path__)}})"
    ) == str(set())


def test_importing_takes_no_device_library_no_terminal_and_no_optional_library() -> None:
    unwanted = [
        "lark",
        "yaml",
        "jsonschema",
        "re2",
        "pynvml",
        "click",
        "rich",
        "asyncio",
        "http.client",
        "socket",
        "ssl",
        "pandas",
        "numpy",
    ]
    loaded = in_a_fresh_interpreter(f"import sys, gpurules; print([m for m in {unwanted!r} if m in sys.modules])")
    assert loaded == "[]"


def test_importing_starts_no_thread_opens_no_file_for_writing_and_no_connection() -> None:
    code = """
import sys, threading
seen = []
def watch(event, arguments):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.system"):
        seen.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append((event, arguments[0])) if not str(arguments[0]).endswith(".pyc") else None
sys.addaudithook(watch)
sys.dont_write_bytecode = True
import gpurules
print(seen, threading.active_count())
"""
    assert in_a_fresh_interpreter(code) == "[] 1"
