"""ARM64 instructions of one inference, counted by an emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tfkd.errors import InputError

_RUNS = 1000  # fewer leave the start-up's noise in the figure


def instructions(model: Path, counter: Path, vocabulary_size: int) -> int:
    """Returns the instructions of one inference over a text as long as the model, on one thread.

    Args:
      model: a .tflite file.
      counter: a script that takes `MODEL --low=A --high=B --runs=N --json` and prints
        `{MODEL: {"insns_per_inference": N}}`, such as tools/arm64_insns/count.py.
      vocabulary_size: ids are drawn below it.

    Raises:
      InputError: the counter fails.
    """
    command = [sys.executable, counter, model, "--low=1", f"--high={vocabulary_size}", f"--runs={_RUNS}", "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{counter}: failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else '?'}")
    return int(json.loads(done.stdout)[str(model)]["insns_per_inference"])
