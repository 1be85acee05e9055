#!/usr/bin/env bash
# Lint, types and tests (on up to four cores), all of them, whatever fails; arguments go to pytest:
#   tools/test.sh --real            also those that use the real MiniLM or a browser
#   tools/test.sh tests/text -k csv
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/environment.sh
make_environment dev
if [[ " $* " == *" --real "* ]]; then
    install_chromium
fi

failed=()
check() {
    local name="$1"
    shift
    echo "== $name" >&2
    "$@" || failed+=("$name")
}
check "ruff check" .venv/bin/python -m ruff check .
check "ruff format" .venv/bin/python -m ruff format --check .
check "mypy" .venv/bin/python -m mypy
# A file's tests share what they train, so they stay together; each process takes some 2 GB.
check "pytest" .venv/bin/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile "$@"

if ((${#failed[@]})); then
    printf 'FAILED:%s\n' "$(printf ' %s,' "${failed[@]}" | sed 's/,$//')" >&2
    exit 1
fi
echo "All passed" >&2
