"""What a step may write over, and what it may not; how it does."""

import os
import threading
from pathlib import Path

import pytest

from tfkd.errors import InputError, OutputError
from tfkd.files import alone_in, atomic_folder, refuse_to_replace


def refuse(folder):
    refuse_to_replace(folder, "a teacher", ("teacher.json", "*.h5", "assets"), lambda f: (f / "teacher.json").is_file())


def test_a_folder_is_replaced_if_it_is_empty_or_of_the_same_kind(tmp_path):
    refuse(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty")
    (tmp_path / "empty" / "teacher.json").touch()
    refuse(tmp_path / "empty")


def test_what_else_is_there_is_not_lost(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.tsv").touch()
    for path in (tmp_path / "data", tmp_path / "data" / "train.tsv"):
        with pytest.raises(InputError, match=rf"^{path}: holds something else than a teacher, which would be lost; "):
            refuse(path)


def test_strangers_in_a_folder_of_the_same_kind_are_not_lost(tmp_path):
    for name in ("teacher.json", "a.weights.h5", ".DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / "assets").mkdir()
    refuse(tmp_path)
    (tmp_path / "notes").mkdir()
    said = rf"^{tmp_path}: holds something else than a teacher, which would be lost: notes; move it, or name another "
    with pytest.raises(InputError, match=said):
        refuse(tmp_path)


def test_where_a_disk_is_mounted_nothing_can_take_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda self: self == tmp_path)
    with pytest.raises(InputError, match=rf"^{tmp_path}: is where a disk is mounted, .*; name a folder in it$"):
        refuse(tmp_path)
    refuse(tmp_path / "teacher")


@pytest.mark.parametrize("path", [".", "..", "../inner", ""])
def test_the_current_folder_is_not_replaced_even_if_it_is_empty(tmp_path, monkeypatch, path):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(InputError, match="is the current folder or around it; name a folder for a teacher alone"):
        refuse(path)
    refuse("../other")
    refuse("other")


def test_a_folder_takes_the_place_of_what_a_link_leads_to(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "old").touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk")
    with atomic_folder(link) as temporary:
        (temporary / "new").touch()
    assert link.is_symlink()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "link"]


def test_all_of_a_folder_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    flushed = []

    def fsync(descriptor):
        assert not (tmp_path / "folder").exists()
        flushed.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr("os.fsync", fsync)
    with atomic_folder(tmp_path / "folder") as temporary:
        (temporary / "inner").mkdir()
        files = [temporary / "one", temporary / "inner" / "other"]
        for path in files:
            path.write_bytes(b"written by a library")
        expected = {path.stat().st_ino for path in files}
    assert set(flushed) == expected


def test_what_was_left_long_ago_goes(tmp_path):
    old, fresh, other = (tmp_path / f".{name}.tmp" for name in ("folder.abc", "folder.def", "another.abc"))
    for path in (old, fresh, other):
        path.mkdir()
    for path in (old, other):
        os.utime(path, (0, 0))
    with atomic_folder(tmp_path / "folder"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"folder", fresh.name, other.name}


def test_the_old_folder_stays_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"), atomic_folder(folder) as temporary:
        (temporary / "new").touch()
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="file: can't be written: is a file"), atomic_folder(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "kept"


def test_one_at_a_time_is_in_a_folder(tmp_path):
    entered = []

    def enter():
        with alone_in(tmp_path, wait=True):
            entered.append("second")

    second = threading.Thread(target=enter)
    with alone_in(tmp_path):
        with pytest.raises(OutputError, match=f"{tmp_path}: another process is at work there"), alone_in(tmp_path):
            raise AssertionError("two are in")
        second.start()
        second.join(0.2)
        assert not entered
        entered.append("first")
    second.join()
    assert entered == ["first", "second"]
    with alone_in(tmp_path / "new" / "one"):
        assert (tmp_path / "new" / "one").is_dir()
