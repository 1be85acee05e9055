# Sourced by the other scripts: makes .venv with tfkd in it, or brings it up to date.
#
#   make_environment        tfkd itself
#   make_environment dev    and what lint, types and tests need
#   install_chromium        the browser that some tests drive, if there is none and it may be had
#
# PYTHON chooses the interpreter that .venv is made with. A stamp in .venv holds the
# hash of setup.py and the path of this clone: nothing is done while both are as they were.
# shellcheck shell=bash

_is_supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

# Prints the interpreter to make .venv with.
_interpreter() {
    local candidate
    if [[ -n "${PYTHON:-}" ]]; then
        if _is_supported "$PYTHON"; then
            echo "$PYTHON"
            return
        fi
        echo "PYTHON=$PYTHON: isn't a Python of version 3.11, 3.12 or 3.13; name another one" >&2
        return 1
    fi
    for candidate in python3.11 python3.12 python3.13 python3 python; do
        if _is_supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11, 3.12 or 3.13 isn't there; install one, or name it: PYTHON=/path/to/python $0" >&2
    return 1
}

make_environment() {
    local extra="${1:-}" interpreter stamp wanted
    interpreter=.venv/bin/python
    # An environment that broke off while it was made has a Python, but no pip.
    if ! _is_supported "$interpreter" || ! "$interpreter" -m pip --version >/dev/null 2>&1; then
        interpreter="$(_interpreter)" || return 1
        echo "Making .venv with $("$interpreter" --version)" >&2
        if ! "$interpreter" -m venv --clear .venv; then
            echo "$interpreter -m venv .venv failed (Debian and Ubuntu keep it in the package python3-venv)" >&2
            return 1
        fi
    fi
    wanted="$(.venv/bin/python -c \
        'import hashlib, os; print(hashlib.sha256(open("setup.py", "rb").read()).hexdigest(), os.getcwd())')"
    # What has the dev extra has all that tfkd needs too.
    for stamp in ".venv/installed-dev" ".venv/installed${extra:+-$extra}"; do
        if [[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]]; then
            return
        fi
    done
    echo "Installing tfkd${extra:+ with its $extra extra} and what it needs into .venv: some 3 GB, a few minutes" >&2
    if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${extra:+[$extra]}"; then
        echo "pip install failed: what it said stands above; the same command tries again" >&2
        return 1
    fi
    echo "$wanted" >".venv/installed${extra:+-$extra}"
    echo "Installed" >&2
}

install_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then
            return
        fi
    done
    if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
        echo "There is no Chromium here: tests that need one are skipped (Debian's package is chromium)" >&2
        return
    fi
    echo "Installing Debian's chromium, which tests of the demo's page drive, with apt-get: some 400 MB" >&2
    if ! apt-get -qq update >&2 ||
        ! DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null; then
        echo "apt-get can't install it: tests that need it are skipped" >&2
    fi
}
