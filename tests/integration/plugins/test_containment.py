"""Plug-ins of real distributions that raise whatever they like: each is named, the rest goes on."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cases import representative

BROKEN = "version: 1\nname: broken\nrules:\n  - {name: a, condition: gpu_memry > 1, action: log}\n"
SOUND = "version: 1\nname: sound\nrules:\n  - {name: a, condition: gpu_memory > 1, action: pause_transfer}\n"
RAISED = ("SystemExit(0)", "SystemExit('bye')", "GeneratorExit()", "Odd('x')", "Mute()", "ValueError('x')")
PREAMBLE = """
class Odd(BaseException): pass
class Mute(BaseException):
    def __str__(self): raise SystemExit(0)
def fail(): raise {raised}
"""
ACTION = """
from gpurules.actions import ActionKind
class Park:
    name, kind, summary, schema = "park", ActionKind.DIRECTIVE, "Parks.", {"type": "object", "properties": {}}
    target, neutral, is_static = "parked", None, True
    excludes = works_on = frozenset()
    def check(self, parameters): return ()
    def combine(self, claims, situation): return True
"""
SOURCE = """
from gpurules import GPU, Snapshot
class Source:
    name = "odd"
    def read(self): return Snapshot(timestamp=1.0, gpus=(GPU(index=0, memory=50.0),))
    def close(self): pass
class Factory:
    name = "odd"
    def open(self, argument, options): return Source()
"""
DETECTOR = """
class Detector:
    name = "ours"
    def detect(self, evidence): return None
"""
CLIENT = """
class Kind:
    name, capabilities = "ours", frozenset()
    def unavailable(self): return None
"""
GROUPS = {
    "actions": (ACTION, "Park"),
    "sources": (SOURCE, "Factory"),
    "detectors": (DETECTOR, "Detector"),
    "clients": (CLIENT, "Kind"),
}


@dataclass(frozen=True)
class Site:
    """A folder of packages with one distribution in it, whose plug-ins a program finds."""

    folder: Path

    def install(self, group: str, code: str, attribute: str, name: str = "ours") -> None:
        module = f"site_{group}"
        (self.folder / f"{module}.py").write_text(code)
        distribution = self.folder / f"acme_{group}-1.2.dist-info"
        distribution.mkdir()
        (distribution / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{group}\nVersion: 1.2\n")
        (distribution / "entry_points.txt").write_text(f"[gpurules.{group}]\n{name} = {module}:{attribute}\n")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gpurules", *arguments],
            input=stdin, capture_output=True, text=True, timeout=60, check=False, cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "HOME": str(self.folder)},
        )  # fmt: skip

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("raised", representative(RAISED, ("SystemExit(0)", "Mute()")))
def test_a_broken_ruleset_never_lints_clean_whatever_a_plug_in_raises_at_import(site: Site, raised: str) -> None:
    for group, (code, attribute) in GROUPS.items():
        site.install(group, PREAMBLE.format(raised=raised) + "fail()\n" + code, attribute)
    done = site.run("lint", site.file("broken.rules.yaml", BROKEN))
    assert done.returncode == 1
    assert "GPR101" in done.stdout
    assert "skipping the action plug-in 'ours'" in done.stderr and "acme-actions 1.2" in done.stderr
    assert raised.partition("(")[0] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("place", representative(["import", "property", "constructor", "missing"], 2))
def test_every_command_goes_on_beside_a_plug_in_that_cannot_be_used(site: Site, group: str, place: str) -> None:
    code, attribute = GROUPS[group]
    code = PREAMBLE.format(raised="SystemExit(0)") + code
    match place:
        case "import":
            code += "fail()\n"
        case "constructor":
            code += f"{attribute}.__init__ = lambda self: fail()\n"
        case "property":
            code += f"{attribute}.name = property(lambda self: fail())\n"
        case "missing":
            attribute = "Nowhere"
    site.install(group, code, attribute)
    rules = site.file("sound.rules.yaml", SOUND)
    assert site.run("lint", rules).returncode == 0
    assert "a" in site.run("run", rules, "--source", "synthetic:gpus=1,seconds=20").stdout
    listing = site.run({"actions": "actions", "sources": "sources"}.get(group, "doctor"))
    assert f"acme-{group}" in "".join((listing.stdout + listing.stderr).split())
    assert "Traceback" not in listing.stderr


@pytest.mark.parametrize("attribute", ["kind", "schema", "summary", "target", "is_static", "check", "combine"])
def test_a_property_of_an_action_that_raises_leaves_the_action_out(site: Site, attribute: str) -> None:
    code = PREAMBLE.format(raised="SystemExit(0)") + ACTION + f"Park.{attribute} = property(lambda self: fail())\n"
    site.install("actions", code, "Park")
    rules = SOUND.replace("pause_transfer", "park")
    done = site.run("lint", site.file("a.rules.yaml", rules))
    assert done.returncode == 1
    assert "GPR501" in done.stdout
    assert f"its {attribute} raised SystemExit: 0" in done.stderr


@pytest.mark.parametrize("raised", representative(RAISED, ("SystemExit(0)", "Mute()")))
def test_a_check_that_raises_is_a_finding_at_the_place_of_the_action(site: Site, raised: str) -> None:
    site.install("actions", PREAMBLE.format(raised=raised) + ACTION + "Park.check = lambda self, p: fail()\n", "Park")
    rules = site.file("a.rules.yaml", SOUND.replace("pause_transfer", "park"))
    done = site.run("lint", "--output-format", "json", rules)
    assert done.returncode == 1
    (found,) = [one for one in json.loads(done.stdout)["diagnostics"] if one["code"] == "GPR505"]
    assert "check() raised" in found["message"]


@pytest.mark.parametrize(
    "schema",
    ['{"properties": 5}', '{"properties": {"a": {"x-dimension": "nope"}}}', '{"properties": {"a": {"pattern": "["}}}'],
)
def test_a_schema_that_is_wrong_is_a_finding_and_no_crash(site: Site, schema: str) -> None:
    site.install("actions", ACTION + f"Park.schema = {schema}\n", "Park")
    rules = SOUND.replace("pause_transfer", "park, parameters: {a: b}")
    done = site.run("lint", site.file("a.rules.yaml", rules))
    assert (done.returncode, "Traceback" in done.stderr, "internal error" in done.stderr) == (1, False, False)


@pytest.mark.parametrize("raised", representative(RAISED, ("SystemExit(0)", "Mute()")))
def test_a_directive_that_raises_never_sets_the_exit_code(site: Site, raised: str) -> None:
    site.install(
        "actions", PREAMBLE.format(raised=raised) + ACTION + "Park.combine = lambda self, c, s: fail()\n", "Park"
    )
    rules = site.file("a.rules.yaml", SOUND.replace("pause_transfer", "park"))
    assert site.run("lint", rules).returncode == 0, "that it combines is not looked at"
    done = site.run("eval", "--ruleset", rules, "--snapshot", '{"gpus": [{"index": 0, "memory": 50}]}')
    assert done.returncode == 2
    assert "'ours': combine() raised" in done.stderr


@pytest.mark.parametrize("method", ["open", "read", "close"])
@pytest.mark.parametrize("raised", representative(["SystemExit(0)", "Odd('x')", "ValueError('x')"], 1))
def test_a_source_that_raises_is_missing_telemetry(site: Site, method: str, raised: str) -> None:
    owner = "Factory" if method == "open" else "Source"
    code = PREAMBLE.format(raised=raised) + SOURCE + f"{owner}.{method} = lambda *a: fail()\n"
    site.install("sources", code, "Factory", "odd")
    rules = site.file("a.rules.yaml", SOUND)
    done = site.run("run", rules, "--source", "odd:", "--once")
    assert done.returncode == (0 if method == "close" else 2)
    assert f"{method}() raised {raised.partition('(')[0]}" in done.stderr
    assert site.run("snapshot", "--source", "odd:").returncode == (0 if method == "close" else 2)


def test_a_source_that_returns_no_snapshot_is_missing_telemetry(site: Site) -> None:
    site.install("sources", SOURCE + "Source.read = lambda self: 5\n", "Factory", "odd")
    done = site.run("run", site.file("a.rules.yaml", SOUND), "--source", "odd:", "--once")
    assert done.returncode == 2
    assert "returned int" in done.stderr


def test_of_two_distributions_that_offer_one_name_the_first_counts_and_the_other_is_named(site: Site) -> None:
    site.install("actions", ACTION, "Park")
    twin = site.folder / "twin-3.dist-info"
    twin.mkdir()
    (twin / "METADATA").write_text("Metadata-Version: 2.1\nName: twin\nVersion: 3\n")
    (twin / "entry_points.txt").write_text("[gpurules.actions]\nours = site_actions:Park\n")
    done = site.run("actions", "park")
    assert done.returncode == 0
    assert "registered twice" in done.stderr


def test_damaged_metadata_of_a_distribution_stops_nothing(site: Site) -> None:
    site.install("actions", ACTION, "Park")
    (site.folder / "acme_actions-1.2.dist-info" / "entry_points.txt").write_bytes(
        b"[gpurules.actions]\n\xff\xfe = \x00\n"
    )
    done = site.run("lint", site.file("broken.rules.yaml", BROKEN))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


EFFECT = """
import json, pathlib
class Notify:
    name, kind, summary = "notify", "effect", "Posts to a room."
    schema = {"type": "object", "properties": {"room": {"type": "string"}}, "required": ["room"]}
    on = frozenset({"start"})
    def check(self, parameters): return ()
    def start(self, event):
        said = {"room": event.parameters["room"], "rule": event.rule, "devices": list(event.devices)}
        pathlib.Path("posted.json").write_text(json.dumps(said))
    def stop(self, event): pass
"""


def test_an_effect_of_a_plug_in_fires(site: Site) -> None:
    site.install("actions", EFFECT, "Notify", name="notify")
    action = "action: notify, parameters: {room: '#gpu'}"
    rules = site.file("a.rules.yaml", SOUND.replace("action: pause_transfer", action).replace("> 1,", ">= 0,"))
    done = site.run("run", rules, "--source", "synthetic:gpus=2,seconds=20,faults=0", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((site.folder / "posted.json").read_text()) == {"room": "#gpu", "rule": "a", "devices": [0, 1]}
    listed = site.run("actions", "notify")
    assert (listed.returncode, "notify (effect)" in listed.stdout) == (0, True)
    assert "action notify" in site.run("doctor").stdout


def test_a_kind_that_is_misspelled_is_refused_with_the_right_one(site: Site) -> None:
    site.install("actions", EFFECT.replace('"effect"', '"efect"'), "Notify", name="notify")
    done = site.run("actions")
    assert done.returncode == 0
    assert "its kind is 'efect'; did you mean 'effect'?" in done.stderr
    assert "acme-actions" in done.stderr
