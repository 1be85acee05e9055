"""Time and memory of an inference on Android phones, by way of adb and LiteRT's benchmark_model.

adb: https://developer.android.com/tools/adb; benchmark_model, and where to get it:
https://ai.google.dev/edge/litert/models/measurement
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tfkd.errors import InputError

_FOLDER = "/data/local/tmp"  # where any user of adb may write and run files
_SECONDS = 300  # longer than any command here takes
_ELF, _ELF_MACHINE = b"\x7fELF", slice(18, 20)
# What ABIs a machine code, as ELF numbers it, is of.
_ABIS = {
    183: ("arm64-v8a",),
    40: ("armeabi-v7a", "armeabi"),
    62: ("x86_64",),
    3: ("x86",),
}
_STATES = {
    "unauthorized": "hasn't authorized this computer: unlock it and accept its question",
    "offline": "is offline: plug it in again, or run adb reconnect",
    "no permissions": "may not be used by this user: see Android's documentation of udev rules",
}
_TIMES = re.compile(
    r"Inference timings in us: Init: ([\d.e+]+), First inference: ([\d.e+]+), "
    r"Warmup \(avg\): [\d.e+]+, Inference \(avg\): ([\d.e+]+)"
)
_RUNS = re.compile(
    r"count=(\d+) .*?min=([\d.e+]+) max=([\d.e+]+) avg=[\d.e+]+ std=([\d.e+]+)(?:.*? median=([\d.e+]+))?"
)
_PEAK = re.compile(r"Overall peak memory footprint \(MB\) via periodic monitoring: ([\d.e+]+)")


@dataclass(frozen=True)
class Phone:
    """A device that adb can run commands on.

    Attributes:
      serial: adb's name of it.
      name: its maker's name of it.
      abis: the kinds of machine code that it runs, the best first.
    """

    serial: str
    name: str
    abis: tuple[str, ...]


@dataclass(frozen=True)
class PhoneTimes:
    """What benchmark_model says of a model.

    Attributes:
      runs: inferences timed.
      mean_us, min_us, max_us, deviation_us: of one.
      median_us: likewise; None if the binary doesn't say it, as older ones.
      first_result_ms: from loading the model to its first result.
      peak_memory_mb: of the whole process, in MB; None if the device can't tell.
      profile: the time of each operator, as the binary prints it, if it was asked for.
    """

    runs: int
    mean_us: float
    min_us: float
    max_us: float
    deviation_us: float
    median_us: float | None
    first_result_ms: float
    peak_memory_mb: float | None
    profile: str = ""


class Adb:
    """Android's debug bridge.

    Args:
      program: its path, or its name on PATH.

    Raises:
      InputError: it isn't there.
    """

    def __init__(self, program: str = "adb"):
        if shutil.which(program) is None:
            raise InputError(
                f"--adb={program}: isn't there; install Android's platform tools "
                "(on Debian and Ubuntu: apt-get install adb), or name it"
            )
        self._program = program

    def phones(self, serials: Sequence[str] = ()) -> list[Phone]:
        """Returns the devices that are at hand.

        Args:
          serials: of those wanted; all by default.

        Raises:
          InputError: there is none, one that is wanted isn't there, or one isn't ready.
        """
        states = {}
        for line in self._run("devices").splitlines()[1:]:
            serial, tab, state = line.partition("\t")
            if tab:
                states[serial] = state.strip()
        if not states:
            raise InputError("adb sees no device: plug one in, with USB debugging on (see adb devices)")
        for serial in serials:
            if serial not in states:
                raise InputError(f"--phones={serial}: adb sees no such device, but {', '.join(states)}")
        return [self._phone(serial, states[serial]) for serial in serials or states]

    def benchmark(
        self,
        phone: Phone,
        binary: Path,
        model: Path,
        ranges: Mapping[str, tuple[Sequence[int], int, int]],
        runs: int = 200,
        threads: int = 1,
        profile: bool = False,
    ) -> PhoneTimes:
        """Runs a model on a phone, and leaves nothing there.

        Args:
          phone: the device.
          binary: benchmark_model of the phone's ABI.
          model: a .tflite file.
          ranges: of each input, by name, its shape and the lowest and the highest value to feed.
          runs: inferences at least.
          threads: of one inference.
          profile: whether operators are timed one by one, which slows down the whole.

        Raises:
          InputError: the binary isn't one for this phone, the phone vanishes, or what is printed isn't understood.
        """
        check_binary(binary, phone)
        with self._pushed(phone, [binary, model]) as (there, model_there):
            self._shell(phone, "chmod", "755", there)
            out = self._shell(
                phone,
                *(there, f"--graph={model_there}", f"--num_threads={threads}", f"--num_runs={runs}"),
                "--input_layer=" + ",".join(ranges),
                "--input_layer_shape=" + ":".join(",".join(map(str, shape)) for shape, _, _ in ranges.values()),
                "--input_layer_value_range=" + ":".join(f"{name},{a},{b}" for name, (_, a, b) in ranges.items()),
                *("--use_xnnpack=true", "--report_peak_memory_footprint=true"),
                *(["--enable_op_profiling=true"] if profile else []),
            )
        return parse_benchmark(out, profile)

    @contextmanager
    def _pushed(self, phone: Phone, files: Sequence[Path]) -> Iterator[list[str]]:
        """Yields the paths of files on a phone, in a folder that is gone afterwards."""
        folder = f"{_FOLDER}/tfkd-{uuid.uuid4().hex[:12]}"
        try:
            self._shell(phone, "mkdir", folder)
            for file in files:
                self._run("-s", phone.serial, "push", str(file), f"{folder}/{file.name}", phone=phone)
            yield [f"{folder}/{file.name}" for file in files]
        finally:
            # Not to hide why it failed, if the phone is gone.
            with suppress(subprocess.TimeoutExpired):
                self._call("-s", phone.serial, "shell", "rm", "-rf", folder)

    def _phone(self, serial: str, state: str) -> Phone:
        if state != "device":
            known = next((says for begin, says in _STATES.items() if state.startswith(begin)), f"is {state}")
            raise InputError(f"phone {serial}: {known}")
        phone = Phone(serial, serial, ())
        name = self._shell(phone, "getprop", "ro.product.model").strip()
        abis = self._shell(phone, "getprop", "ro.product.cpu.abilist").strip()
        return Phone(serial, name or serial, tuple(abis.split(",")))

    def _shell(self, phone: Phone, *command: str) -> str:
        # adb joins what it is given by blanks, and the device's shell splits it again.
        return self._run("-s", phone.serial, "shell", *map(shlex.quote, command), phone=phone)

    def _run(self, *arguments: str, phone: Phone | None = None) -> str:
        """What adb prints; the shell's commands print to either stream."""
        try:
            done = self._call(*arguments)
        except subprocess.TimeoutExpired as e:
            whose = f"phone {phone.name}" if phone else "adb"
            raise InputError(f"{whose}: no answer within {_SECONDS} s; is it still plugged in?") from e
        if done.returncode:
            whose = f"phone {phone.name} ({phone.serial})" if phone else "adb"
            reason = ((done.stderr + done.stdout).strip().splitlines() or ["no reason given"])[-1]
            raise InputError(f"{whose}: adb {' '.join(arguments[:4])} failed: {reason}")
        return done.stdout + done.stderr

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *arguments], capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS
        )


def names_of(phones: Sequence[Phone]) -> dict[str, str]:
    """Returns what to call each phone, by its serial: its name, with the serial where several are of one name."""
    counts = Counter(phone.name for phone in phones)
    return {p.serial: p.name if counts[p.name] == 1 else f"{p.name} ({p.serial})" for p in phones}


def check_binary(binary: Path, phone: Phone) -> None:
    """Passes a program that a phone can run.

    Raises:
      InputError: the file is missing, isn't a program, or is one of another ABI.
    """
    try:
        with open(binary, "rb") as f:
            head = f.read(20)
    except OSError as e:
        raise InputError(f"--benchmark_model={binary}: can't be read: {e.strerror}") from e
    if head[:4] != _ELF:
        raise InputError(f"--benchmark_model={binary}: isn't a program for Android; expected LiteRT's benchmark_model")
    abis = _ABIS.get(int.from_bytes(head[_ELF_MACHINE], "little"), ("another machine",))
    if not set(abis) & set(phone.abis):
        raise InputError(
            f"--benchmark_model={binary}: is for {abis[0]}; phone {phone.name} runs {', '.join(phone.abis)}"
        )


def parse_benchmark(out: str, profile: bool = False) -> PhoneTimes:
    """Returns the figures in what benchmark_model prints.

    Raises:
      InputError: they aren't there, as when it couldn't run the model.
    """
    times, counts, peak = _TIMES.search(out), _RUNS.findall(out), _PEAK.search(out)
    if times is None or not counts:
        said = [line for line in out.splitlines() if line.startswith("ERROR") or "rror" in line] or out.splitlines()
        raise InputError(f"benchmark_model: gave no times: {(said or ['it printed nothing'])[-1].strip()}")
    initialization, first, mean = map(float, times.groups())
    runs, least, most, deviation, median = counts[-1]  # the last are the runs after the warm-up
    return PhoneTimes(
        runs=int(runs),
        mean_us=mean,
        min_us=float(least),
        max_us=float(most),
        deviation_us=float(deviation),
        median_us=float(median) if median else None,
        first_result_ms=(initialization + first) / 1e3,
        peak_memory_mb=float(peak[1]) if peak else None,
        profile=_profile(out) if profile else "",
    )


def _profile(out: str) -> str:
    """The tables of operators, which follow the times."""
    start = out.find("Operator-wise Profiling Info")
    return out[start:].strip() if start >= 0 else ""
