"""Flags made of configs, and configs made of flags: names, defaults and helps stand in tfkd.config alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from absl import flags

from tfkd.errors import InputError, UsageError

FLAGS = flags.FLAGS
MAX_SEED = 2**32 - 1  # NumPy's and Keras' limit
_Config = TypeVar("_Config")
# How absl's messages of a bad value end, and how ours do.
_FAULTS = (
    (r"invalid literal for int\(\) .*", "expected a whole number"),
    (r"could not convert string to float: .*", "expected a number"),
    (r"\('Non-boolean argument to boolean flag', .*\)", "expected true or false"),
    (r"\S+ is not (an integer .*|integer .*|a \S+ integer)", r"expected \1"),
    (r"value should be one of <(.*)>", r"expected one of \1"),
)


def define_flags_of(*config_classes: type[Any], only: tuple[str, ...] = ()) -> None:
    """Defines one flag for each field of the configs, or for some of them."""
    for config_class in config_classes:
        for f in dataclasses.fields(config_class):
            if not only or f.name in only:
                _define(f.name, f.default, f.metadata["help"], f.metadata["choices"])


def define_seed() -> None:
    """Defines --seed."""
    help = "seed of the dev cut, of training and of augmentation: same seed, same files"
    flags.DEFINE_integer("seed", 1, help, lower_bound=0, upper_bound=MAX_SEED)


def config_of(config_class: type[_Config]) -> _Config:
    """Returns the config that the flags make.

    Raises:
      UsageError: a value can't be taken.
    """
    values = {f.name: FLAGS[f.name].value for f in dataclasses.fields(config_class)}  # type: ignore[arg-type]
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return config_class(**values)
    except ValueError as e:
        raise UsageError(str(e)) from e


def required(name: str) -> str:
    """Returns the value of a flag of text that must be given.

    Raises:
      UsageError: it isn't.
    """
    if not FLAGS[name].value:
        raise UsageError(f"--{name} is missing: {FLAGS[name].help}")
    return FLAGS[name].value


def required_folder(name: str) -> str:
    """Returns the value of a flag that must name a folder which is there.

    Raises:
      UsageError: it isn't given.
      InputError: there is no such folder.
    """
    folder = required(name)
    if not Path(folder).is_dir():
        raise InputError(f"--{name}={folder}: there is no such folder; expected the {FLAGS[name].help}")
    return folder


def refuse_unused(names: Iterable[str], why: str) -> None:
    """Passes flags that aren't given.

    Args:
      names: of the flags.
      why: they would do nothing.

    Raises:
      UsageError: one of them is.
    """
    for name in names:
        if FLAGS[name].present:
            value = FLAGS[name].value
            raise UsageError(f"--{name}={','.join(value) if isinstance(value, list) else value}: {why}")


def fault_of_flags(error: Exception) -> str:
    """Returns what to say of flags that couldn't be read, in one line."""
    said = " ".join(str(error).split())
    if isinstance(error, flags.IllegalFlagValueError):
        said = said.removeprefix("flag ")
        for absl_says, instead in _FAULTS:
            said = re.sub(f": {absl_says}$", f": {instead}", said)
    return said


def _define(name: str, default: Any, help: str, choices: tuple[str, ...] | None) -> None:
    if choices:
        flags.DEFINE_enum(name, default, choices, help)
    elif isinstance(default, bool):
        flags.DEFINE_bool(name, default, help)
    elif isinstance(default, int):
        flags.DEFINE_integer(name, default, help)
    elif isinstance(default, float):
        flags.DEFINE_float(name, default, help)
    elif isinstance(default, tuple):
        flags.DEFINE_list(name, list(default), help)
    else:
        flags.DEFINE_string(name, default, help)
