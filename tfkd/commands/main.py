"""tfkd: distil a BERT text classifier into a BiLSTM that runs on a phone."""

from __future__ import annotations

import importlib
import io
import os
import shlex
import signal
import sys
import textwrap
import traceback
from types import ModuleType

from absl import flags

import tfkd
from tfkd.commands.flags import fault_of_flags
from tfkd.commands.names import COMMANDS, RESUMED, WITH_ARGUMENTS
from tfkd.errors import TfkdError, UsageError
from tfkd.progress import say


def main(argv: list[str] | None = None) -> None:
    """Runs one command and exits: 0 done, 1 failed, 2 called wrongly, 130 interrupted, be it by Ctrl-C or kill."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # of a locale that lacks what texts, labels or paths have
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = run_command(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough
        _drop_stdout()
        status = 0
    except OSError as e:  # standard output lies on a full device
        _drop_stdout()
        status = _fail(f"standard output: can't be written: {e.strerror or e}", 1)
    sys.exit(status)


def run_command(argv: list[str]) -> int:
    """Runs the command that `argv` names and returns its exit status."""
    if not argv or argv[0] in ("--help", "-h", "--helpfull", "help"):
        print(_overview())
        return 0 if argv else 2
    if argv[0] == "--version":
        print(f"tfkd {tfkd.__version__}")
        return 0
    name = argv[0]
    for place, argument in enumerate(argv, start=1):
        if any("\ud800" <= character <= "\udfff" for character in argument):  # what Python makes of other bytes
            shown = argument.encode("utf-8", "backslashreplace").decode()
            return _fail(f"argument {place}: isn't UTF-8: {shown}; rename the file it names", UsageError.exit_status)
    if name not in COMMANDS:
        return _fail(f"no command {name!r}; expected one of {', '.join(COMMANDS)}", UsageError.exit_status)
    command = importlib.import_module(f"tfkd.commands.{name}")
    flags.DEFINE_bool("help", False, "show this", short_name="h")
    flags.DEFINE_bool("debug", False, "show the traceback of an error")
    command.define_flags()
    try:
        arguments = flags.FLAGS([f"tfkd {name}", *argv[1:]])[1:]
    except (flags.Error, OSError, UnicodeDecodeError) as e:
        return _fail(f"{fault_of_flags(e)}; see tfkd {name} --help", UsageError.exit_status)
    if flags.FLAGS.help:
        print(_help(name, command))
        return 0
    if arguments and name not in WITH_ARGUMENTS:
        return _fail(f"unexpected argument {arguments[0]!r}; see tfkd {name} --help", UsageError.exit_status)
    return _guarded(argv, command, arguments)


def _guarded(argv: list[str], command: ModuleType, arguments: list[str]) -> int:
    name = argv[0]
    try:
        command.main(arguments)
    except KeyboardInterrupt:
        if name in RESUMED:
            return _fail(f"interrupted; what is whole is kept. To go on: {_as_typed(argv)}", 130)
        return _fail("interrupted; nothing is left half written", 130)
    except BrokenPipeError:
        raise
    except (TfkdError, OSError, MemoryError) as e:
        if flags.FLAGS.debug:
            traceback.print_exc()
        if isinstance(e, TfkdError):
            hint = f"; see tfkd {name} --help" if isinstance(e, UsageError) else ""
            return _fail(f"{e}{hint}", e.exit_status)
        return _fail(f"{type(e).__name__}: {e}", 1)
    return 0


def _as_typed(argv: list[str]) -> str:
    """The command line that gave these arguments, for a shell to take again."""
    start = sys.orig_argv[:3] if sys.orig_argv[1:3] == ["-m", "tfkd"] else ["tfkd"]
    return shlex.join([*start, *argv])


def _open_closed_streams() -> None:
    """Gives standard streams that a caller has closed, as `>&-` does, nothing to read and nowhere to write."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _drop_stdout() -> None:
    """Keeps Python from trying again, and complaining, at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> int:
    sys.stdout.flush()
    say(f"tfkd: {' '.join(message.split())}")
    return status


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {what}" for name, what in COMMANDS.items()]
    return "\n".join([__doc__ or "", "", "Commands:", *lines, "", "tfkd COMMAND --help shows a command's flags."])


def _help(name: str, command: ModuleType) -> str:
    known = flags.FLAGS.flags_by_module_dict()
    shown = {f.name: f for module in (command.__name__, "tfkd.commands.flags", __name__) for f in known.get(module, [])}
    lines = [
        (command.__doc__ or "").strip(),
        "",
        f"Flags of tfkd {name}:",
        "  --flagfile",
        "      file of flags, one a line; those after it on the command line win",
    ]
    for flag in shown.values():
        unset = flag.default is False or flag.default in (None, "", [])
        default = "" if unset else f" (default: {flag.default_as_str})"
        lines += [
            f"  --{flag.name}",
            textwrap.fill(f"{flag.help}{default}", 100, initial_indent="      ", subsequent_indent="      "),
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
