"""Writes BUILD anew from the imports of tfkd, tools and tests: `python tools/update_build.py`.

One target a module, named by its path without `.py`: `//:tfkd/text/vocabulary`. A target
depends on what its file imports, wherever in the file, and on its package's `__init__`;
a test also on the conftest files that pytest loads for it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tfkd.commands.names import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = ("tfkd", "tools", "tests")
_RUNNER = "tests/run_pytest"

# Distributions that aren't named as their top module is, with "_" for "-".
_DISTRIBUTIONS = {"absl": "absl-py", "re2": "google-re2", "sklearn": "scikit-learn"}

# What is imported by a name made at run time.
_BY_NAME = {
    "tfkd/commands/main": [f"tfkd.commands.{name}" for name in COMMANDS],
    "tfkd/export/metadata": ["mediapipe"],
}

# Files that a module reads and that lie beside it.
_DATA = {
    "tfkd/report/rendering": "tfkd/report/templates/*",
}

_HEADER = '''"""One target a module, named by its path. Made by tools/update_build.py: don't edit."""

load("@pypi//:requirements.bzl", "requirement")
load("@rules_python//python:defs.bzl", "py_library", "py_test")

package(default_visibility = ["//visibility:public"])

licenses(["notice"])
'''


def build_text(root: Path = ROOT) -> str:
    """Returns BUILD's content for the modules under `root`."""
    paths = sorted(path.relative_to(root) for folder in _FOLDERS for path in (root / folder).rglob("*.py"))
    targets = {path.with_suffix("").as_posix(): path for path in paths}
    return "\n".join([_HEADER, *(_rule(root, name, path, targets) for name, path in targets.items())])


def _rule(root: Path, name: str, path: Path, targets: dict[str, Path]) -> str:
    internal, external = _dependencies(root, name, path, targets)
    sources, lines = [path.as_posix()], []
    test = path.name.startswith("test_")
    if test:
        internal |= {_RUNNER} | {t for t in targets if t.endswith("/conftest") and Path(t).parent in path.parents}
        external.add("pytest")
        sources.append(f"{_RUNNER}.py")
        lines = [f'    main = "{_RUNNER}.py",', f'    args = ["{path.as_posix()}"],']
    lines.append("    deps = [" if internal or external else "    deps = [],")
    lines += [f'        ":{dependency}",' for dependency in sorted(internal)]
    lines += [f'        requirement("{dependency}"),' for dependency in sorted(external)]
    if internal or external:
        lines.append("    ],")
    return "\n".join(
        [
            "py_test(" if test else "py_library(",
            f'    name = "{name}",',
            f"    srcs = [{', '.join(f'{source!r}' for source in sources)}],".replace("'", '"'),
            *([f'    data = glob(["{_DATA[name]}"]),'] if name in _DATA else []),
            *(["    testonly = True,"] if not test and name.startswith("tests/") else []),
            *lines,
            ")",
            "",
        ]
    )


def _dependencies(root: Path, name: str, path: Path, targets: dict[str, Path]) -> tuple[set[str], set[str]]:
    """Returns the targets and the distributions that a file depends on."""
    internal, external = set(), set()
    for package in (path.parent, path.parent.parent):
        if (package / "__init__").as_posix() in targets.keys() - {name}:
            internal.add((package / "__init__").as_posix())
            break
    for module in [*_imports(ast.parse((root / path).read_text("utf-8"))), *_BY_NAME.get(name, [])]:
        as_path = module.replace(".", "/")
        for candidate in (as_path, f"{as_path}/__init__", as_path.rpartition("/")[0]):
            if candidate in targets:
                internal.add(candidate)
                break
        else:
            top = module.partition(".")[0]
            if top in _FOLDERS:
                internal.add(f"{as_path.rpartition('/')[0]}/__init__")
            elif top not in sys.stdlib_module_names:
                external.add(_DISTRIBUTIONS.get(top, top.replace("_", "-")))
    return internal - {name}, external


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yields what is imported, each name of `from a.b import c` as `a.b.c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


if __name__ == "__main__":
    (ROOT / "BUILD").write_text(build_text(), encoding="utf-8")
