#!/usr/bin/env bash
# Makes .venv, and distils the embedded default into runs/quickstart. Flags are passed on to
# `tfkd run`: tools/quickstart.sh --name=mine --n_iter=2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/environment.sh
make_environment
exec .venv/bin/python -m tfkd run --flagfile=recipes/quickstart.flags "$@"
