"""Prints what makes a shell complete commands, flags, their values and files: for bash, zsh or fish.

tfkd completion bash > ~/.local/share/bash-completion/completions/tfkd
tfkd completion zsh > ~/.zfunc/_tfkd
tfkd completion fish > ~/.config/fish/completions/tfkd.fish

The script holds all it needs, so that a shell waits for nothing; write it again after an update of tfkd. For one
session alone: source <(tfkd completion bash). zsh looks in ~/.zfunc if ~/.zshrc says fpath+=~/.zfunc before compinit.
"""

from __future__ import annotations

import importlib

from absl import flags

from tfkd.commands.completion_scripts import SCRIPTS, Option
from tfkd.commands.flags import FLAGS
from tfkd.commands.names import COMMANDS
from tfkd.errors import UsageError


def define_flags() -> None:
    """There are none."""


def main(arguments: list[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in SCRIPTS:
        raise UsageError(f"{' '.join(arguments) or 'no shell'}: expected one of {', '.join(SCRIPTS)}")
    # absl takes --flagfile before it looks for flags; main defined the two others.
    common = [Option("flagfile", "file of flags, one a line"), _option(FLAGS["help"]), _option(FLAGS["debug"])]
    options = {name: [*_options_of(name), *common] for name in COMMANDS}
    print(SCRIPTS[arguments[0]](COMMANDS, options), end="")


def _options_of(command: str) -> list[Option]:
    """The flags that a command defines, which are forgotten again."""
    before = set(FLAGS)
    importlib.import_module(f"tfkd.commands.{command}").define_flags()
    defined = [FLAGS[name] for name in FLAGS if name not in before]
    for flag in defined:
        delattr(FLAGS, flag.name)
    return [_option(flag) for flag in defined]


def _option(flag: flags.Flag) -> Option:
    choices = tuple(flag.parser.enum_values) if isinstance(flag, flags.EnumFlag) else ()
    return Option(
        name=flag.name,
        what=flag.help.removeprefix(f"<{'|'.join(choices)}>: ").split(";")[0],  # absl puts the choices before
        switch=bool(flag.boolean),
        choices=choices,
        number=isinstance(flag.parser, flags.IntegerParser | flags.FloatParser),
    )
