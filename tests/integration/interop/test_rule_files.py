"""Each rule of a rule file fires in a real server where and when its import matches in the engine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prometheus_replay import Replays, replay_server
from tests.prometheus_server import needs_prometheus
from tests.rule_file_agreement import judge_file, rule_files

pytestmark = [pytest.mark.slow, needs_prometheus]
FOLDER = os.environ.get("GPURULES_RULE_FILES")
"""A folder of rule files to judge as well; what is in it is its owner's."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replays]:
    with replay_server(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def test_every_kind_of_expression_fires_where_its_import_matches(server: Replays) -> None:
    found = judge_file(server, Path(__file__).parent / "kinds.rules.yml")
    assert [(one.name, one.reason or one.wrong) for one in found.verdicts if one.reason or one.wrong] == []
    assert [one.name for one in found.verdicts if not one.fired] == [] and len(found.verdicts) > 40


@pytest.mark.skipif(FOLDER is None, reason="GPURULES_RULE_FILES names no folder of rule files")
@pytest.mark.parametrize("path", rule_files(Path(FOLDER)) if FOLDER else [], ids=lambda path: path.name)
def test_every_rule_of_a_file_fires_where_its_import_matches(path: Path, server: Replays) -> None:
    found = judge_file(server, path)
    assert [(one.name, one.wrong) for one in found.verdicts if one.wrong] == []
    assert found.verdicts
