"""What a step may write over, and what it may not."""

import pytest

from tfkd.errors import InputError
from tfkd.files import refuse_to_replace


def refuse(folder):
    refuse_to_replace(folder, "a teacher", lambda f: (f / "teacher.json").is_file())


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


@pytest.mark.parametrize("path", [".", "..", "../inner", ""])
def test_the_current_folder_is_not_replaced_even_if_it_is_empty(tmp_path, monkeypatch, path):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(InputError, match="is the current folder or around it; name a folder for a teacher alone"):
        refuse(path)
    refuse("../other")
    refuse("other")
