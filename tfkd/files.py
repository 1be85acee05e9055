"""Files that are whole or not there: written under a temporary name, flushed, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tfkd.errors import InputError, OutputError

LOCK_FILE = ".lock"
# A temporary folder that hasn't changed for so long was left by a killed process.
_STALE_SECONDS = 24 * 3600


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; what was written there becomes `path` at the end.

    On an exception nothing is left under either name, and an earlier `path` stays.

    Raises:
      OutputError: it is a folder, the device has no space left, or the folder can't be written.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path}: can't be written: is a folder")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as f:
            os.fsync(f.fileno())
        temporary.replace(path)
    except OSError as e:
        raise OutputError(f"{path}: can't be written: {e.strerror or e}") from e
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path`; at the end it takes the place of `path`, of a link of what it leads to.

    Raises:
      OutputError: `path` is a file, or the folder it is in can't be written.
    """
    target = Path(path).resolve()
    with folder_beside(target) as temporary:
        old = temporary.with_name(f"{temporary.name}.old.tmp")
        try:
            yield temporary
            flush_files(temporary)
            if target.exists():
                if not target.is_dir():
                    raise NotADirectoryError("is a file")
                target.rename(old)
            try:
                temporary.replace(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
        except OSError as e:
            raise OutputError(f"{path}: can't be written: {e.strerror or e}") from e
        shutil.rmtree(old, ignore_errors=True)


def flush_files(folder: Path) -> None:
    """Has all files of a folder on disk before it returns, so that its name never stands for less after a crash."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as f:
                os.fsync(f.fileno())


@contextlib.contextmanager
def alone_in(folder: Path, wait: bool = False) -> Iterator[None]:
    """Keeps out of a folder whoever asks for the same, in this process or another.

    Args:
      folder: made if it isn't there.
      wait: until it is left, if another one is in it.

    Raises:
      OutputError: another one is in it, or it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK_FILE, os.O_CREAT)
    except OSError as e:
        raise OutputError(f"{folder}: can't be written: {e.strerror or e}") from e
    try:
        with contextlib.suppress(OSError):  # of a file system without locks
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as e:
                raise OutputError(f"{folder}: another process is at work there; wait for it, or end it first") from e
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def folder_beside(path: str | Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path`, which is known to be writable then; at the end it is removed.

    Those that processes killed long ago left of the same `path` go too.

    Raises:
      OutputError: there can be none.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path.parent, f".{glob.escape(path.name)}.*.tmp")
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        temporary.chmod(0o755)
    except OSError as e:
        raise OutputError(f"{path}: can't be written: {e.strerror or e}") from e
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_stale(parent: Path, pattern: str) -> None:
    """Removes the temporary folders of this pattern that processes killed long ago have left."""
    for left in parent.glob(pattern):
        with contextlib.suppress(FileNotFoundError):  # another process has just ended with it
            if left.is_dir() and time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def refuse_to_replace(folder: str | Path, what: str, names: Sequence[str], is_own: Callable[[Path], bool]) -> None:
    """Passes a folder that a step is to write if it isn't there, is empty, or holds what such a step wrote alone.

    Args:
      folder: to be written.
      what: the step writes.
      names: patterns of the names of its files and folders; hidden ones may be there too.
      is_own: says whether a folder holds such.

    Raises:
      InputError: it is a file, holds something else, is the current folder or around it, or can't be renamed.
    """
    path = Path(folder)
    if Path.cwd().is_relative_to(path.resolve()):
        raise InputError(f"{folder}: is the current folder or around it; name a folder for {what} alone")
    if path.is_mount():
        raise InputError(
            f"{folder}: is where a disk is mounted, which nothing can take the place of; name a folder in it"
        )
    lost = f"holds something else than {what}, which would be lost"
    if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not is_own(path))):
        raise InputError(f"{folder}: {lost}; name another folder")
    for found in sorted(path.iterdir()) if path.is_dir() else ():
        if not any(fnmatch.fnmatchcase(found.name, name) for name in (".*", *names)):
            raise InputError(f"{folder}: {lost}: {found.name}; move it, or name another folder")


def write_text(path: str | Path, text: str) -> None:
    """Writes a UTF-8 file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Writes indented JSON with sorted keys, whole or not at all; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Reads a JSON file.

    Raises:
      InputError: it is missing, or isn't JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as e:
        raise InputError(f"{path}: can't be read: {e.strerror}") from e
    except ValueError as e:
        raise InputError(f"{path}: isn't JSON: {e}") from e


def read_object(path: str | Path) -> dict[str, Any]:
    """Reads a JSON file that holds an object.

    Raises:
      InputError: it can't be read, isn't JSON, or holds something else.
    """
    found = read_json(path)
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds {type(found).__name__}, expected an object")
    return found


def sha256_of(path: str | Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hex."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
