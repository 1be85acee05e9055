"""ARM64 instructions of an inference, counted in an emulator: a phone's figure without a phone, and without noise.

LiteRT's own ARM64 runtime, with XNNPACK's NEON kernels, runs in QEMU's user mode as on a Cortex-A76; a plugin
(tflite/arm64/instruction_counter.c) counts. Instructions aren't cycles: they are blind to cache misses.
"""

from __future__ import annotations

import bisect
import functools
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfkd.assets import cache_folder
from tfkd.errors import InputError
from tfkd.files import alone_in, atomic_folder, write_text
from tfkd.progress import say

_SOURCES = Path(__file__).parents[1] / "device" / "arm64"
_REVISION = 2  # of what `_make` makes; raised when it changes
_QEMU = "qemu-aarch64"
_PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
# XNNPACK's kernels, and KleidiAI's, which it calls for matrices of int8 whose other factor is quantized as it comes.
_KERNEL = re.compile(r"xnn_(\w+?)_ukernel|(kai)_run(_matmul|_lhs_quant_pack)")
_VARIANT = re.compile(r"_(minmax|fp32|rndnu)(?=_|$)")
# The runtime reads its CPU's features here; without this file it would see the host's.
_CPU = """processor\t: 0
Features\t: fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1

"""


@dataclass(frozen=True)
class InstructionCount:
    """ARM64 instructions on one thread.

    Attributes:
      inference: of one, the median over the rows.
      first_result: from opening the file to its first result: reading, planning, packing weights, one inference.
    """

    inference: int
    first_result: int


class Arm64Emulator:
    """An emulated ARM64 machine with Python and LiteRT.

    Args:
      folder: what `arm64_emulator` made.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        (self._python,) = (folder / "root/usr/bin").glob("python3.*")

    def count(self, model: str | Path, inputs: Sequence[np.ndarray]) -> InstructionCount:
        """Returns the instructions that a model takes.

        Args:
          model: a .tflite file, of which the first graph is run.
          inputs: for each of its inputs [rows, *shape] (see tfkd.benchmark.inputs); some ten rows.

        Raises:
          InputError: LiteRT can't run the file.
        """
        with tempfile.TemporaryDirectory() as folder:
            self._run(model, inputs, counts := Path(folder) / "counts")
            marks = np.array(counts.read_text("utf-8").split(), np.int64)
        before, opened, started, first, *rows = marks
        mark = opened - before
        inferences = np.subtract(rows[1::2], rows[::2]) - mark
        return InstructionCount(int(np.median(inferences)), int(first - started - mark))

    def profile(self, model: str | Path, inputs: Sequence[np.ndarray]) -> dict[str, int]:
        """Returns how many of an inference's instructions are executed where, on average over the rows.

        Args:
          model, inputs: as above.

        Returns:
          By the name of a kind of kernel, such as XNNPACK's "qs8_qc8w_gemm", or else of a library; the most first.

        Raises:
          InputError: as above.
        """
        with tempfile.TemporaryDirectory() as folder:
            profile = Path(folder) / "profile"
            maps = self._run(model, inputs, Path(folder) / "counts", profile)
            blocks = [tuple(map(int, line.split())) for line in profile.read_text("utf-8").splitlines()]
        places, found = _Places(maps), Counter[str]()
        for address, instructions in blocks:
            found[places.name(address)] += instructions
        return {name: instructions // len(inputs[0]) for name, instructions in found.most_common()}

    def _run(self, model: str | Path, inputs: Sequence[np.ndarray], counts: Path, profile: Path | None = None) -> str:
        """Runs a model with the plugin; returns what is printed."""
        with tempfile.TemporaryDirectory() as folder:
            arrays = Path(folder) / "inputs.npz"
            np.savez(arrays, *inputs)
            root = self._folder / "root"
            command = [_QEMU, "-cpu", "cortex-a76", "-plugin", self._folder / "instruction_counter.so", "-L", root]
            command += [self._python, _SOURCES / "invoke.py", Path(model).resolve(), arrays]
            own = {"INSTRUCTION_COUNTS": str(counts), "PYTHONPATH": str(self._folder / "site"), "PYTHONHASHSEED": "0"}
            if profile is not None:
                own["INSTRUCTION_PROFILE"] = str(profile)
            done = subprocess.run(
                [str(part) for part in command],
                env={**os.environ, **own, "OPENBLAS_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if done.returncode:
                raise InputError(f"{model}: can't be run in the emulator: {_last_line(done.stderr)}")
            return done.stdout


class _Places:
    """What lies at the addresses of an emulated process.

    Args:
      maps: its /proc/self/maps.
    """

    def __init__(self, maps: str):
        self._files: list[tuple[int, int, str]] = []  # start, end and file of each piece
        self._bases: dict[str, int] = {}
        for line in maps.splitlines():
            limits, _, offset, _, _, *path = line.split(maxsplit=5) if line else ("-", "", "0", "", "")
            if path:
                start, end = (int(limit, 16) for limit in limits.split("-"))
                self._files.append((start, end, path[0]))
                if int(offset, 16) == 0:
                    self._bases.setdefault(path[0], start)

    def name(self, address: int) -> str:
        """Returns the kind of kernel at an address, or else the library."""
        file = next((file for start, end, file in self._files if start <= address < end), "")
        if file not in self._bases:
            return "elsewhere"
        addresses, names = _functions(file)
        place = bisect.bisect_right(addresses, address - self._bases[file]) - 1
        kernel = _KERNEL.match(names[place]) if place >= 0 else None
        return _VARIANT.sub("", "".join(filter(None, kernel.groups()))) if kernel else Path(file).name


@functools.cache
def _functions(file: str) -> tuple[list[int], list[str]]:
    """The addresses of a library's functions within it, in order, and their names; none if it is stripped."""
    lines = [line.split() for line in _run("nm", "--numeric-sort", "--defined-only", file).splitlines()]
    functions = [(int(line[0], 16), line[2]) for line in lines if len(line) == 3 and line[1] in "tT"]
    return [address for address, _ in functions], [name for _, name in functions]


@functools.cache
def arm64_emulator() -> Arm64Emulator:
    """Returns the emulator, made first if it isn't in the cache: this is said, with what it installs.

    Raises:
      InputError: something that it is made of is missing, and can't be fetched.
    """
    version = importlib.metadata.version("ai-edge-litert")
    if shutil.which(_QEMU) is None:
        _install_qemu()
    plugins = 1 if _qemu_version() < 9 else 2  # version of QEMU's interface for plugins
    folder = cache_folder() / f"arm64-litert-{version}-plugins{plugins}-r{_REVISION}"
    if not folder.exists():
        for needed, package in (("gcc", "gcc"), ("apt-get", "apt"), ("dpkg", "dpkg")):
            if shutil.which(needed) is None:
                raise InputError(f"--arm64: {needed} isn't there; install {package}, on Debian, and try again")
        with alone_in(cache_folder(), wait=True):
            if not folder.exists():  # still
                say(f"arm64: fetching Python and LiteRT {version} of ARM64 (some 60 MB) into {folder}")
                with atomic_folder(folder) as fresh:
                    _make(fresh, version, plugins)
    return Arm64Emulator(folder)


def _install_qemu() -> None:
    """Installs QEMU's user mode, if that can be done without asking."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise InputError(f"--arm64: {_QEMU} isn't there; install it (on Debian: apt-get install qemu-user)")
    with alone_in(cache_folder(), wait=True):  # apt-get refuses to be run twice at once
        if shutil.which(_QEMU) is None:
            say("arm64: installing the package qemu-user with apt-get")
            _run("apt-get", "-qq", "update")
            _run("apt-get", "-qq", "-y", "install", "qemu-user")


def _make(folder: Path, litert_version: str, plugin_version: int) -> None:
    """Makes all that the emulated machine needs but QEMU itself."""
    source, plugin = _SOURCES / "instruction_counter.c", folder / "instruction_counter.so"
    _run("gcc", "-shared", "-fPIC", "-O2", f"-DPLUGIN_VERSION={plugin_version}", "-o", plugin, source)
    _unpack_python(folder / "root")
    write_text(folder / "root/proc/cpuinfo", _CPU)
    (python,) = (path.name for path in (folder / "root/usr/bin").glob("python3.*"))
    with tempfile.TemporaryDirectory() as wheels:
        _run(
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"),
            *("--no-deps", "--only-binary=:all:", "--python-version", python.removeprefix("python")),
            *(f"--platform={platform}" for platform in _PLATFORMS),
            *("--dest", wheels, f"ai-edge-litert=={litert_version}", "numpy"),
        )
        for wheel in sorted(Path(wheels).iterdir()):
            shutil.unpack_archive(wheel, folder / "site", "zip")


def _unpack_python(root: Path) -> None:
    """Unpacks an ARM64 Python and what it needs from Debian's packages.

    apt works on a state of its own, in which nothing is installed and all is ARM64: the machine's stays as it is. It
    takes the machine's sources, so these must have ARM64 too: Debian's do, Ubuntu's for other machines don't.
    """
    with tempfile.TemporaryDirectory() as state:
        lists, packages, status = Path(state) / "lists", Path(state) / "packages", Path(state) / "status"
        for needed in (lists / "partial", packages / "partial"):
            needed.mkdir(parents=True)
        status.touch()
        settings = {
            "APT::Architecture": "arm64",
            "APT::Architectures": "arm64",
            "APT::Sandbox::User": "root",  # apt's own user can't write here
            "Dir::State::Lists": lists,
            "Dir::State::status": status,
            "Dir::Cache::archives": packages,
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Debug::NoLocking": "1",
        }
        apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
        _run(*apt, "update")
        _run(*apt, "-y", "--download-only", "--no-install-recommends", "install", *_PACKAGES)
        for package in sorted(packages.glob("*.deb")):
            _run("dpkg", "-x", package, root)


def _qemu_version() -> int:
    """The major version."""
    shown = _run(_QEMU, "--version")  # qemu-aarch64 version 7.2.22 (...)
    return int(shown.split("version")[1].split(".")[0])


def _run(*command: object) -> str:
    """Runs a command, and returns what it prints.

    Raises:
      InputError: it fails.
    """
    parts = [str(part) for part in command]
    done = subprocess.run(parts, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise InputError(f"--arm64: {Path(parts[0]).name} failed: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(stderr: str) -> str:
    return (stderr.strip().splitlines() or ["it doesn't say why"])[-1]
