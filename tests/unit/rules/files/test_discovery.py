"""Which files of a directory are rulesets and tests."""

import os

from gpurules.rules.files.discovery import files_below, is_ruleset, is_test


def found(folder, wanted):
    return [os.path.relpath(path, folder) for path in files_below(str(folder), wanted, lambda path: path)]


def test_files_are_recognized_by_their_names_and_folders(tmp_path):
    for name in ("a.rules.yaml", "b.yaml", "c.test.yaml", "rules/d.yaml", "rules/e.test.yml", ".git/f.rules.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path, is_ruleset) == ["a.rules.yaml", "rules/d.yaml"]
    assert found(tmp_path, is_test) == ["c.test.yaml", "rules/e.test.yml"]


def test_a_pipe_is_left_out_and_a_link_to_nowhere_is_not(tmp_path):
    os.mkfifo(tmp_path / "pipe.rules.yaml")
    (tmp_path / "gone.rules.yaml").symlink_to(tmp_path / "nothing")
    (tmp_path / "z.rules.yaml").touch()
    assert found(tmp_path, is_ruleset) == ["gone.rules.yaml", "z.rules.yaml"], "the link is a finding of the reader"
