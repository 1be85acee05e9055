"""Imports point one way, and heavy or foreign things stay where they belong."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "tfkd").rglob("*.py"))
}

# From the base up. A module may import what stands in a line below its own, or in its own package.
# text.split and text.movie_reviews stand below assets, which makes its corpus with them;
# text.corpus stands above, since `asset:` names are data too.
LAYERS = (
    ("tfkd.errors", "tfkd.config"),
    ("tfkd.files", "tfkd.progress", "tfkd.archives", "tfkd.native_stderr"),
    ("tfkd.text.split", "tfkd.text.movie_reviews"),
    ("tfkd.assets",),
    ("tfkd.text",),
    ("tfkd.models",),
    ("tfkd.transfer_set",),
    ("tfkd.training", "tfkd.export"),
    ("tfkd.benchmark",),
    ("tfkd.report",),
    ("tfkd.pipeline", "tfkd.demo"),
    ("tfkd.commands",),
    ("tfkd.__main__",),
)
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


def _imports(module: str) -> set[str]:
    """Returns the modules that one imports, anywhere in its file."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            assert node.module
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found


def _place(module: str) -> tuple[int, str]:
    """Returns a module's layer, and the entry that puts it there: the longest one."""
    places = [
        (len(entry), i, entry)
        for i, layer in enumerate(LAYERS)
        for entry in layer
        if module == entry or module.startswith(f"{entry}.")
    ]
    assert places, f"{module} stands in no layer: add it to LAYERS"
    return max(places)[1:]


@pytest.mark.parametrize("module", [name for name in MODULES if name != "tfkd"])
def test_imports_point_down(module):
    layer, entry = _place(module)
    for imported in sorted(_imports(module)):
        if imported == "tfkd" or not imported.startswith("tfkd."):
            continue
        below, its_entry = _place(imported)
        assert (
            below < layer or its_entry == entry or (module, imported) == ("tfkd.text.movie_reviews", "tfkd.text.split")
        ), f"{module} imports {imported}, which doesn't stand below it"


def test_no_module_imports_itself_in_a_circle():
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for imported in _imports(module) & MODULES.keys():
                visit(imported, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_config_and_errors_import_nothing_of_ours():
    for module in ("tfkd.config", "tfkd.errors"):
        assert not [name for name in _imports(module) if name.startswith("tfkd")]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("tfkd.models")])
def test_models_know_nothing_of_files_or_flags(module):
    forbidden = ("absl", "argparse", "json", "shutil", "tfkd.files", "tfkd.config", "tfkd.progress", "tfkd.assets")
    assert not [name for name in _imports(module) if name.startswith(forbidden)]


def test_flags_belong_to_commands():
    users = [name for name in MODULES if any(i == "absl" or i.startswith("absl.") for i in _imports(name))]
    assert users
    assert all(name.startswith("tfkd.commands.") for name in users)


def test_names_say_what_a_module_is():
    for module, path in MODULES.items():
        assert not VAGUE & set(module.split(".")), path
    assert not [p for d in ("tools", "tests", "recipes") for p in (ROOT / d).rglob("*") if p.stem in VAGUE]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("tfkd.commands")])
def test_commands_import_what_is_heavy_only_when_they_work(module):
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    at_the_top = {
        name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    light = (
        "tfkd.commands",
        "tfkd.config",
        "tfkd.errors",
        "tfkd.files",
        "tfkd.native_stderr",
        "tfkd.pipeline.run_config",
        "tfkd.pipeline.run_folder",
        "tfkd.progress",
        "tfkd.text.corpus",
        "tfkd.text.examples",
    )
    assert not [name for name in at_the_top if name.startswith("tfkd.") and not name.startswith(light)]
    assert not at_the_top & {"tensorflow", "keras", "keras_hub", "mediapipe", "numpy", "pyarrow"}
