import os

from gpurules.engine.polling.file_watch import FileWatch


def touch(path, text, step=1_000_000):
    path.write_text(text)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + step))


def test_a_change_is_reported_once(tmp_path):
    path = tmp_path / "a"
    path.write_text("1")
    watch = FileWatch([str(path)])
    assert not watch.has_changed()
    touch(path, "2")
    assert [watch.has_changed(), watch.has_changed()] == [True, False]


def test_a_file_that_comes_and_goes_has_changed(tmp_path):
    path = tmp_path / "a"
    watch = FileWatch([str(path)])
    path.write_text("1")
    assert watch.has_changed()
    path.unlink()
    assert watch.has_changed()


def test_a_replacement_of_the_same_size_and_time_has_changed(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    for each in (path, other):
        each.write_text("1")
        os.utime(each, (1, 1))
    watch = FileWatch([str(path)])
    other.replace(path)
    assert watch.has_changed()


def test_a_link_that_is_swapped_has_changed(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text("1")
    link = tmp_path / "link"
    link.symlink_to("one")
    watch = FileWatch([str(link)])
    link.unlink()
    link.symlink_to("two")
    assert watch.has_changed()


def test_a_circle_of_links_is_a_file_that_is_not_there(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert not FileWatch([str(tmp_path / "a")]).has_changed()


def test_shipped_rulesets_and_texts_are_not_watched():
    assert not FileWatch(["gpurules:default", "<text>"]).has_changed()


def test_following_keeps_watching_what_was_watched(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("1")
    watch = FileWatch([str(tmp_path / "a")])
    watch.follow([str(tmp_path / "b")])
    for name in ("a", "b"):
        touch(tmp_path / name, "2")
        assert watch.has_changed()
