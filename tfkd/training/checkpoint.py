"""A training's whole state in one file, so that a killed one goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfkd.files import atomic_path


def checkpoints_folder(folder: Path) -> Path:
    """Returns where a model that goes to `folder` keeps its checkpoints while it is trained."""
    return folder.with_name(f"{folder.name}.checkpoints")


def save_checkpoint(path: Path, model: keras.Model, state: dict[str, Any]) -> None:
    """Writes all variables (dropout's random states and the built optimizer's included) and `state` as JSON."""
    arrays: dict[str, Any] = {f"{i:05d}": np.asarray(v) for i, v in enumerate(_variables(model))}
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with atomic_path(path) as temporary, open(temporary, "wb") as f:
        np.savez(f, **arrays)


def restore_checkpoint(path: Path, model: keras.Model) -> None:
    """Sets what `save_checkpoint` saved of a model of the same shape, its optimizer built."""
    with np.load(path, allow_pickle=False) as saved:
        for i, variable in enumerate(_variables(model)):
            variable.assign(saved[f"{i:05d}"])


def read_state(path: Path) -> dict[str, Any]:
    """Returns the `state` that `save_checkpoint` was given."""
    with np.load(path, allow_pickle=False) as saved:
        return json.loads(saved["state"].tobytes())


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
