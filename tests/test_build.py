"""BUILD names every module once, with the dependencies that its imports show."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(p.relative_to(ROOT).as_posix() for d in ("tfkd", "tools", "tests") for p in (ROOT / d).rglob("*.py"))
RUNNER = "tests/run_pytest.py"
HINT = "run tools/update_build.py"


def _rules() -> dict[str, tuple[str, list[str], set[str], set[str]]]:
    """Returns for each target its kind, sources, and the targets and distributions it depends on."""
    rules = {}
    for statement in ast.parse((ROOT / "BUILD").read_text("utf-8")).body:
        if not isinstance(statement, ast.Expr) or not isinstance(call := statement.value, ast.Call):
            continue
        assert isinstance(call.func, ast.Name)
        if call.func.id not in ("py_library", "py_test"):
            continue
        values = {keyword.arg: keyword.value for keyword in call.keywords}
        internal, external = set(), set()
        deps = values["deps"]
        assert isinstance(deps, ast.List)
        for item in deps.elts:
            if isinstance(item, ast.Call):
                assert isinstance(item.func, ast.Name)
                assert item.func.id == "requirement"
                external.add(ast.literal_eval(item.args[0]))
            else:
                internal.add(ast.literal_eval(item).removeprefix(":"))
        name = ast.literal_eval(values["name"])
        assert name not in rules
        rules[name] = (call.func.id, ast.literal_eval(values["srcs"]), internal, external)
    return rules


RULES = _rules()
DISTRIBUTIONS = importlib.metadata.packages_distributions()


def _imported_files(source: str) -> tuple[set[str], set[str]]:
    """Returns the files of ours and the top modules of others that a file names in import statements."""
    ours, others = set(), set()
    for node in ast.walk(ast.parse((ROOT / source).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [(node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        else:
            continue
        for module, name in names:
            base = ROOT / module.replace(".", "/")
            if (base / f"{name}.py").is_file() and name:
                ours.add(base / f"{name}.py")
            elif (base / "__init__.py").is_file():
                ours.add(base / "__init__.py")
            elif base.with_suffix(".py").is_file():
                ours.add(base.with_suffix(".py"))
            elif module not in ("__future__", "") and module.split(".")[0] not in sys.stdlib_module_names:
                others.add(module.split(".")[0])
    return {path.relative_to(ROOT).as_posix() for path in ours}, others


def test_every_module_is_one_target_named_after_it():
    assert sorted(RULES) == sorted(source.removesuffix(".py") for source in SOURCES), HINT
    for name, (kind, sources, _, _) in RULES.items():
        test = Path(name).name.startswith("test_")
        assert (kind, sources) == (("py_test", [f"{name}.py", RUNNER]) if test else ("py_library", [f"{name}.py"]))


@pytest.mark.parametrize("source", SOURCES)
def test_deps_are_the_imports(source):
    ours, others = _imported_files(source)
    _, _, internal, external = RULES[source.removesuffix(".py")]
    # Imported by name at run time: the commands, and MediaPipe's schema.
    if source == "tfkd/commands/main.py":
        from tfkd.commands.main import COMMANDS

        ours |= {f"tfkd/commands/{name}.py" for name in COMMANDS}
    if source == "tfkd/export/metadata.py":
        others.add("mediapipe")
    # Python runs the package's __init__ first; pytest loads the conftests.
    folder = Path(source).parent
    package = folder if not source.endswith("__init__.py") else folder.parent
    if (ROOT / package / "__init__.py").is_file():
        ours.add((package / "__init__.py").as_posix())
    if Path(source).name.startswith("test_"):
        conftests = [parent / "conftest.py" for parent in Path(source).parents]
        ours |= {RUNNER, *(c.as_posix() for c in conftests if (ROOT / c).is_file())}
        others.add("pytest")
    named = {name: {d.lower().replace("_", "-") for d in DISTRIBUTIONS.get(name, [name])} for name in others}
    assert internal == {path.removesuffix(".py") for path in ours - {source}}, HINT
    assert len(external) == len(others), (external, others, HINT)
    for name, candidates in named.items():
        assert external & candidates, (name, candidates, HINT)


def test_distributions_are_those_that_setup_installs():
    setup = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    strings = [n.value for n in ast.walk(setup) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    installed = {s.split(">")[0] for s in strings if ">=" in s}
    named = set().union(*(external for _, _, _, external in RULES.values()))
    assert named - installed <= {"keras-hub", "setuptools"}  # keras-nlp, its old name, installs keras-hub


def test_generator_would_write_what_stands_there():
    from tools.update_build import build_text

    assert (ROOT / "BUILD").read_text("utf-8") == build_text(), HINT


def test_what_is_installed_holds_the_templates(tmp_path):
    """The pages' templates are no Python, and would be left out unless setup.py names them."""
    (tmp_path / "info").mkdir()
    steps = ["egg_info", "--egg-base", tmp_path / "info", "build_py", "--build-lib", tmp_path / "lib"]
    subprocess.run([sys.executable, "setup.py", "-q", *steps], cwd=ROOT, check=True, capture_output=True)
    templates = sorted(path.name for path in (ROOT / "tfkd" / "report" / "templates").iterdir())
    assert "report.html" in templates
    assert sorted(path.name for path in (tmp_path / "lib" / "tfkd" / "report" / "templates").iterdir()) == templates
