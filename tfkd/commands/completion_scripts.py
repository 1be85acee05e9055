"""Completion scripts for bash, zsh and fish, of commands and their options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """A flag of a command.

    Attributes:
      name: without dashes.
      what: a line on it.
      switch: it takes no value.
      choices: the values that it takes, if they are few.
      number: its value is one; what is neither that nor of `choices` may be a file.
    """

    name: str
    what: str
    switch: bool = False
    choices: tuple[str, ...] = ()
    number: bool = False


# Bash takes the "=" of --flag=value for a word of its own. What mapfile would do, the bash of macOS can't.
_BASH = """\
_tfkd() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} flag= flags= values= files=yes
    local IFS=$' \\t\\n'
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "@commands --help --version" -- "$current"))
        return
    fi
    if [[ $current == = ]]; then
        flag=$before current=
    elif [[ $before == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $before == --* ]]; then
        flag=$before
    fi
    case ${COMP_WORDS[1]} in
@cases
    esac
    if [[ -z $flag && $current == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$current"))
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
    elif [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
    elif [[ -n $files ]]; then
        IFS=$'\\n'
        COMPREPLY=($(compgen -f -- "$current"))
        compopt -o filenames 2>/dev/null
    fi
    return 0
}
complete -F _tfkd tfkd
"""

_ZSH = """\
#compdef tfkd
_tfkd() {
    local -a commands=(
@commands
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    shift words
    ((CURRENT--))
    case $words[1] in
@cases
    esac
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _tfkd "$@"
else
    compdef _tfkd tfkd
fi
"""


def bash_script(commands: Mapping[str, str], options: Mapping[str, Sequence[Option]]) -> str:
    """Returns the script for bash.

    Args:
      commands: their names and a line on each.
      options: of each command.
    """
    cases = []
    for command, of_command in options.items():
        flags = " ".join(f"--{option.name}{'' if option.switch else '='}" for option in of_command)
        cases += [f"    {command})", f'        flags="{flags}"', "        case $flag in"]
        cases += [
            f'            --{option.name}) values="{" ".join(option.choices)}" ;;'
            for option in of_command
            if option.choices
        ]
        numbers = "|".join(f"--{option.name}" for option in of_command if option.number)
        switches = "|".join(f"--{option.name}" for option in of_command if option.switch)
        cases += [f"            {numbers}) files= ;;"] if numbers else []
        cases += [f"            {switches}) flag= ;;", "        esac", "        ;;"]  # there is always --help
    return _filled(_BASH, " ".join(commands), cases)


def zsh_script(commands: Mapping[str, str], options: Mapping[str, Sequence[Option]]) -> str:
    """Returns the script for zsh (see `bash_script`)."""
    cases = []
    for command, of_command in options.items():
        cases += [f"    {command})", "        _arguments \\"]
        cases += [f"            {_quoted(_zsh_spec(option))} \\" for option in of_command]
        cases += ["            '*:file:_files'", "        ;;"]
    described = (f"        {_quoted(f'{name}:{what}')}" for name, what in commands.items())
    return _filled(_ZSH, "\n".join(described), cases)


def fish_script(commands: Mapping[str, str], options: Mapping[str, Sequence[Option]]) -> str:
    """Returns the script for fish (see `bash_script`)."""
    lines = [
        f"complete -c tfkd -n __fish_use_subcommand -f -a {name} -d {_fish_quoted(what)}"
        for name, what in commands.items()
    ]
    for command, of_command in options.items():
        for option in of_command:
            value = " -r -F"
            if option.switch:
                value = ""
            elif option.choices:
                value = f" -x -a {_fish_quoted(' '.join(option.choices))}"
            elif option.number:
                value = " -x"
            here = f"complete -c tfkd -n '__fish_seen_subcommand_from {command}' -l {option.name}"
            lines.append(f"{here}{value} -d {_fish_quoted(option.what)}")
    return "\n".join(lines) + "\n"


SCRIPTS = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}


def _filled(template: str, commands: str, cases: Sequence[str]) -> str:
    return template.replace("@commands", commands).replace("@cases", "\n".join(cases))


def _zsh_spec(option: Option) -> str:
    what = "".join(f"\\{c}" if c in "[]\\" else c for c in option.what)
    if option.switch:
        return f"--{option.name}[{what}]"
    action = f"({' '.join(option.choices)})" if option.choices else " " if option.number else "_files"
    return f"--{option.name}=[{what}]:value:{action}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
