"""Archives made by hand: named members come out, and nothing goes where it shouldn't."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tfkd.archives import extract_members
from tfkd.errors import InputError


def make_zip(path: Path, members: dict[str, bytes], link: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members.items():
            z.writestr(name, content)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = 0o120777 << 16
            z.writestr(info, "/etc/passwd")
    return path


def make_tar(path: Path, members: dict[str, bytes], link: str = "", kind: bytes = tarfile.SYMTYPE) -> Path:
    with tarfile.open(path, "w:gz") as t:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = kind, "/etc/passwd"
            t.addfile(info)
    return path


MAKERS = pytest.mark.parametrize("make", [make_zip, make_tar])
GOOD = {"p/a.txt": b"one", "p/b.txt": b"two", "p/q/a.txt": b"three"}


@MAKERS
def test_named_members_alone(tmp_path, make):
    extract_members(make(tmp_path / "x", GOOD), {"p/a.txt": "a.txt", "p/q/a.txt": "deep/c.txt"}, tmp_path / "out")
    found = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")
    }
    assert found == {"a.txt": b"one", "deep/c.txt": b"three"}


@MAKERS
@pytest.mark.parametrize(
    "name", ["../evil", "p/../../evil", "/evil", "C:\\evil", "p\\..\\..\\evil", "\\\\host\\share\\evil"]
)
def test_paths_out_of_the_folder(tmp_path, make, name):
    archive = make(tmp_path / "x", {**GOOD, name: b"evil"})
    with pytest.raises(InputError, match="refused, nothing was extracted"):
        extract_members(archive, {"p/a.txt": "a.txt"}, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["x"]


@pytest.mark.parametrize(
    ("make", "kind"),
    [(make_zip, None), (make_tar, tarfile.SYMTYPE), (make_tar, tarfile.LNKTYPE), (make_tar, tarfile.FIFOTYPE)],
)
def test_links_and_devices(tmp_path, make, kind):
    archive = make(tmp_path / "x", GOOD, "p/c.txt", **({} if kind is None else {"kind": kind}))
    with pytest.raises(InputError, match=r"'p/c\.txt' is a (link|device)"):
        extract_members(archive, {"p/c.txt": "c.txt"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@MAKERS
def test_missing_member(tmp_path, make):
    with pytest.raises(InputError, match=r"has no member 'p/z\.txt'"):
        extract_members(make(tmp_path / "x", GOOD), {"p/a.txt": "a", "p/z.txt": "z"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@MAKERS
def test_damaged_archive(tmp_path, make):
    archive = make(tmp_path / "x", {"p/a.txt": bytes(range(256)) * 99})
    content = bytearray(archive.read_bytes())
    content[60:90] = bytes(30)
    archive.write_bytes(content)
    with pytest.raises(InputError, match="isn't a whole archive"):
        extract_members(archive, {"p/a.txt": "a"}, tmp_path / "out")


def test_no_archive(tmp_path):
    (tmp_path / "x").write_bytes(b"hello")
    with pytest.raises(InputError, match="isn't a whole archive"):
        extract_members(tmp_path / "x", {"a": "a"}, tmp_path / "out")
