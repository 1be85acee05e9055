"""Steps that are done once: a record of what each depended on, in the run folder."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tfkd
from tfkd.errors import InputError
from tfkd.files import read_json, write_json
from tfkd.pipeline.run_config import STEPS_FOLDER
from tfkd.progress import duration, say

# Whose versions may change what a step gives, if by little.
_LIBRARIES = ("ai-edge-litert", "keras", "keras-hub", "numpy", "pyarrow", "tensorflow")

_Result = TypeVar("_Result")


class Steps:
    """The steps of one run folder.

    Args:
      folder: of the run.
      names: all steps that are to come, in their order, so that each can say where it stands among them.

    Attributes:
      seconds: wall time of each step, when it was last done.
    """

    def __init__(self, folder: Path, names: Sequence[str] = ()):
        self._run = folder
        self._names = list(names)
        self._done_now: set[str] = set()
        self.seconds: dict[str, float] = {}

    def do(
        self,
        name: str,
        depends: dict[str, Any],
        modules: Sequence[str],
        outputs: Sequence[Path],
        action: Callable[[], object],
        unfinished: Sequence[Path] = (),
    ) -> None:
        """Does a step unless it was done with all it depends on as it is now.

        Versions of libraries are recorded and, where they are others now, told; they redo nothing.

        Args:
          name: of the step.
          depends: data, flags and what earlier steps made, by its content, as JSON.
          modules: the code that decides what it gives.
          outputs: what it leaves; if any is gone it is done again.
          action: does it.
          unfinished: folders that it leaves when it is killed, and goes on from; what other data, flags or code
            left there is removed.
        """
        code = code_digest(modules)
        fingerprint = _sha256({"depends": depends, "code": code})
        path, known = _record_path(self._run, name), recorded_step(self._run, name)
        if known.get("fingerprint") == fingerprint and all(output.exists() for output in outputs):
            self.seconds[name] = known["seconds"]
            if "started" in known:  # with other flags, in vain
                write_json(path, {k: v for k, v in known.items() if k not in ("started", "spent")})
                for folder in unfinished:
                    if not any(output.is_relative_to(folder) for output in outputs):
                        shutil.rmtree(folder, ignore_errors=True)
            say(f"{self._place(name)}{name}: done already ({duration(known['seconds'])}{_with_others(known)})")
            return
        say(f"{self._place(name)}{name}{_why_again(known, depends, code)}")
        if fingerprint not in (known.get("started"), known.get("fingerprint")):
            for folder in unfinished:
                shutil.rmtree(folder, ignore_errors=True)
        self.seconds[name] = _attempt(action, outputs, path, known, fingerprint)
        record = {"fingerprint": fingerprint, "seconds": self.seconds[name], "depends": depends, "code": code}
        write_json(path, {**record, "libraries": {"tfkd": tfkd.__version__, **_versions()}})
        self._done_now.add(name)
        say(f"{name}: done in {duration(self.seconds[name])}")

    def repeat(self, name: str, action: Callable[[], _Result]) -> _Result:
        """Does a step that is done each time, and returns what it gives; its record has its time alone."""
        say(f"{self._place(name)}{name}")
        started = time.monotonic()
        result = action()
        self.seconds[name] = time.monotonic() - started
        write_json(_record_path(self._run, name), {"seconds": self.seconds[name]})
        self._done_now.add(name)
        return result

    @property
    def any_done(self) -> bool:
        """Whether any step was done now, rather than before."""
        return bool(self._done_now)

    def summary(self) -> str:
        """Returns a line on how long each step took, and all of them."""
        shown = (
            f"{name} {duration(seconds)}{'' if name in self._done_now else ' (before)'}"
            for name, seconds in self.seconds.items()
        )
        return f"{', '.join(shown)}; in all {duration(sum(self.seconds.values()))}"

    def _place(self, name: str) -> str:
        return f"step {self._names.index(name) + 1} of {len(self._names)}: " if name in self._names else ""


def _attempt(
    action: Callable[[], object], outputs: Sequence[Path], path: Path, known: dict[str, Any], fingerprint: str
) -> float:
    """Does a step, and returns its wall time; if it fails, what is recorded in `path` lets the next attempt go on.

    A step that failed, or was interrupted, and is gone on with counts the time before that too.
    """
    before = known.get("spent", 0.0) if known.get("started") == fingerprint else 0.0
    found = _states(outputs)
    write_json(path, {"started": fingerprint, "spent": before})
    started = time.monotonic()
    try:
        action()
    except BaseException:
        # What was done with other flags is done still, unless this has touched it.
        still_done = known if "fingerprint" in known and None not in found and _states(outputs) == found else {}
        write_json(path, {**still_done, "started": fingerprint, "spent": before + time.monotonic() - started})
        raise
    return before + time.monotonic() - started


def _why_again(known: dict[str, Any], depends: dict[str, Any], code: str) -> str:
    """What to say of a step that was done before: what has changed since."""
    if "fingerprint" not in known:
        return ""
    before, now = known.get("depends", {}), json.loads(json.dumps(depends))
    changed = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            changed += [f"--{flag}" for flag in sorted(old.keys() | new.keys()) if old.get(flag) != new.get(flag)]
        elif old != new:
            changed.append(name.replace("_", " "))
    if known.get("code") != code:
        changed.append("tfkd's code for it")
    return f", again: {', '.join(changed)} changed" if changed else ", again: what it made has gone"


def _with_others(known: dict[str, Any]) -> str:
    """What to say of libraries that a step was done with, and that are of other versions now."""
    then, now = known.get("libraries", {}), _versions()
    others = [f"{name} {then[name]}, now {now[name]}" for name in now if then.get(name, now[name]) != now[name]]
    return "; with " + "; ".join(others) if others else ""


def code_digest(modules: Sequence[str]) -> str:
    """Returns a SHA-256 over the modules' code; comments, docstrings and layout don't count."""
    sha = hashlib.sha256()
    for module in sorted(modules):
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text("utf-8"))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
                and node.body
                and isinstance(node.body[0], ast.Expr)
                and isinstance(node.body[0].value, ast.Constant)
            ):
                node.body = node.body[1:] or [ast.Pass()]
        sha.update(f"{module}\0{_dump(tree)}\0".encode())
    return sha.hexdigest()


def _dump(node: Any) -> str:
    """Returns what tells code from other code, whatever Python parsed it: later ones have more fields, mostly empty."""
    if isinstance(node, ast.AST):
        fields = (f"{name}={_dump(value)}" for name, value in ast.iter_fields(node) if value not in (None, []))
        return f"{type(node).__name__}({','.join(fields)})"
    return f"[{','.join(map(_dump, node))}]" if isinstance(node, list) else repr(node)


def recorded_step(run: Path, name: str) -> dict[str, Any]:
    """Returns what a run folder knows of a step: a `fingerprint` if it was done, `started` if it was begun after that;
    {} if it knows nothing."""
    try:
        known = read_json(_record_path(run, name))
    except InputError:
        return {}
    return known if isinstance(known, dict) else {}


def _record_path(run: Path, name: str) -> Path:
    return run / STEPS_FOLDER / f"{name}.json"


def _states(paths: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Returns what changes when a file or folder is written anew; None: it isn't there."""
    return [(path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None for path in paths]


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}
