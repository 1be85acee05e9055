"""Archives, of which only named members are taken, each into a named place."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from tfkd.errors import InputError

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


def extract_members(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    """Writes the named members of a zip (wheel) or tar archive, flushed, and nothing else of it.

    Args:
      archive: the file.
      members: path of a file in the archive -> path of it below `folder`.
      folder: where they go; made if it isn't there.

    Raises:
      InputError: the archive is broken, lacks a member, or holds anything that
        would be written elsewhere: an absolute path, one with "..", or a link.
        Nothing at all is written then, unless it broke while it was read.
    """
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, members, folder)
        else:
            _extract_tar(archive, members, folder)
    except _BROKEN as e:
        raise InputError(f"{archive}: isn't a whole archive: {e}; delete it and fetch it again") from e
    except OSError as e:
        raise InputError(f"{archive}: can't be extracted into {folder}: {e.strerror or e}") from e


def _extract_zip(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    with zipfile.ZipFile(archive) as z:
        for info in z.infolist():
            _refuse_elsewhere(archive, info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise _refused(archive, info.filename, "a link")
        files = {info.filename: info for info in z.infolist() if not info.is_dir()}
        _require(archive, members, files)
        for member, target in members.items():
            with z.open(files[member]) as source:
                _write(source, folder / target)


def _extract_tar(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    with tarfile.open(archive) as t:
        files = {}
        for info in t.getmembers():
            _refuse_elsewhere(archive, info.name)
            if info.isfile():
                files[info.name] = info
            elif not info.isdir():
                raise _refused(archive, info.name, "a link" if info.issym() or info.islnk() else "a device")
        _require(archive, members, files)
        for member, target in members.items():
            source = t.extractfile(files[member])
            assert source is not None, "a regular file"
            with source:
                _write(source, folder / target)


def _refuse_elsewhere(archive: Path, name: str) -> None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.anchor:
        raise _refused(archive, name, "an absolute path")
    if ".." in posix.parts or ".." in windows.parts:
        raise _refused(archive, name, "a path out of its folder")


def _refused(archive: Path, name: str, what: str) -> InputError:
    return InputError(f"{archive}: refused, nothing was extracted: the member {name!r} is {what}")


def _require(archive: Path, members: Mapping[str, str], files: Mapping[str, object]) -> None:
    if missing := [member for member in members if member not in files]:
        raise InputError(f"{archive}: has no member {missing[0]!r}, expected a file of that name")


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as f:
        shutil.copyfileobj(source, f, 1 << 20)
        f.flush()
        os.fsync(f.fileno())
