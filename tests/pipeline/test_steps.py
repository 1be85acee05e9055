"""What makes a step done again, and what doesn't."""

from __future__ import annotations

import ast

import pytest

from tfkd.errors import InputError
from tfkd.files import read_json
from tfkd.pipeline.steps import Steps, code_digest, recorded_step

CODE = '''
"""What it is."""

def area(width, height):
    """Returns it."""
    return width * height
'''


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """Returns the digest of a module with the given code."""
    monkeypatch.syspath_prepend(tmp_path)

    def digest(code: str) -> str:
        (tmp_path / "some_module_of_ours.py").write_text(code)
        return code_digest(["some_module_of_ours"])

    return digest


@pytest.mark.parametrize(
    "same",
    [
        CODE.replace("What it is.", "What it was."),
        CODE.replace('"""Returns it."""', ""),
        CODE.replace("    return", "    # why\n\n    return"),
        CODE.replace("width * height", "(width\n            * height)  # why"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(digest_of, same):
    assert digest_of(same) == digest_of(CODE)


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("width * height", "width + height"),
        CODE.replace("area", "volume"),
        CODE.replace("(width, height)", "(width, height=1)"),
        CODE + "\nLIMIT = 'a string that is no docstring'\n",
    ],
)
def test_code_counts(digest_of, other):
    assert digest_of(other) != digest_of(CODE)


def test_the_version_of_python_does_not_count(digest_of, monkeypatch):
    """Python 3.12 gave functions another field, mostly empty."""
    expected, parse = digest_of(CODE), ast.parse

    def parsed_by_a_later_version(source):
        tree = parse(source)
        for node in ast.walk(tree):
            node._fields = (*node._fields, "of_a_later_version", "another")  # type: ignore[misc]
            node.of_a_later_version, node.another = [], None  # type: ignore[attr-defined]
        return tree

    monkeypatch.setattr("ast.parse", parsed_by_a_later_version)
    assert digest_of(CODE) == expected


def test_order_of_modules_does_not_count():
    a, b = "tfkd.files", "tfkd.errors"
    assert code_digest([a, b]) == code_digest([b, a])
    assert len({code_digest([a]), code_digest([b]), code_digest([a, b])}) == 3


class _Work:
    """An action that counts how often it is done, and leaves a file."""

    def __init__(self, output):
        self.output, self.done = output, 0

    def __call__(self):
        self.done += 1
        self.output.write_text("made")


@pytest.fixture
def work(tmp_path):
    return _Work(tmp_path / "output")


def _do(folder, work, depends=None, modules=("tfkd.errors",)):
    """A new run's Steps does one step; returns what tells what it depends on."""
    Steps(folder).do("one", depends or {"n": 1}, modules, [work.output], work)
    return recorded_step(folder, "one")["fingerprint"]


def test_done_once(tmp_path, work, capsys):
    first = _do(tmp_path, work)
    assert _do(tmp_path, work) == first
    assert work.done == 1
    assert "one: done already" in capsys.readouterr().err


def test_done_again_if_data_or_code_changed(tmp_path, work):
    prints = [_do(tmp_path, work), _do(tmp_path, work, {"n": 2}), _do(tmp_path, work, {"n": 2}, ("tfkd.progress",))]
    assert work.done == 3
    assert len(set(prints)) == 3
    _do(tmp_path, work)  # as at first: what stands there is no longer of these
    assert work.done == 4


def test_what_failed_with_other_flags_and_touched_nothing_leaves_the_step_done(tmp_path, work):
    def slip():
        raise InputError("no such teacher")

    def half():
        work.output.unlink()
        raise InputError("no space left")

    _do(tmp_path, work)
    with pytest.raises(InputError):
        Steps(tmp_path).do("one", {"n": 2}, ["tfkd.errors"], [work.output], slip)
    assert {"started", "fingerprint"} <= recorded_step(tmp_path, "one").keys()  # its flags are others by now
    _do(tmp_path, work)
    assert work.done == 1
    assert "started" not in recorded_step(tmp_path, "one")
    with pytest.raises(InputError):
        Steps(tmp_path).do("one", {"n": 2}, ["tfkd.errors"], [work.output], half)
    work.output.write_text("of another")
    _do(tmp_path, work)
    assert work.done == 2


@pytest.mark.parametrize(
    ("depends", "module", "kept"),
    [({"n": 1}, "tfkd.errors", True), ({"n": 2}, "tfkd.errors", False), ({"n": 1}, "tfkd.progress", False)],
)
def test_what_a_killed_try_left_is_kept_for_the_same_try_alone(tmp_path, depends, module, kept):
    unfinished, output = tmp_path / "output.checkpoints", tmp_path / "output"
    seen = []

    def killed():
        unfinished.mkdir()
        (unfinished / "epoch").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Steps(tmp_path).do("one", {"n": 1}, ["tfkd.errors"], [output], killed, [unfinished])
    Steps(tmp_path).do("one", depends, [module], [output], lambda: seen.extend(unfinished.glob("*")), [unfinished])
    assert seen == ([unfinished / "epoch"] if kept else [])


def test_what_another_try_left_goes_when_what_was_made_before_it_is_wanted_again(tmp_path, work):
    """But for what lies where the step's output does."""
    unfinished, beside = tmp_path / "output.checkpoints", tmp_path / "shards"
    outputs = [work.output, beside / "manifest"]

    def made():
        work()
        beside.mkdir()
        outputs[1].touch()

    def killed():
        unfinished.mkdir()
        raise KeyboardInterrupt

    Steps(tmp_path).do("one", {"n": 1}, ["tfkd.errors"], outputs, made, [unfinished, beside])
    with pytest.raises(KeyboardInterrupt):
        Steps(tmp_path).do("one", {"n": 2}, ["tfkd.errors"], outputs, killed, [unfinished])
    Steps(tmp_path).do("one", {"n": 1}, ["tfkd.errors"], outputs, work, [unfinished, beside])
    assert work.done == 1
    assert not unfinished.exists()
    assert outputs[1].exists()


def test_a_library_that_changed_is_told_and_redoes_nothing(tmp_path, work, monkeypatch, capsys):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")
    _do(tmp_path, work)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.1" if name == "keras" else "1.0")
    _do(tmp_path, work)
    assert work.done == 1
    assert "one: done already (0 s; with keras 1.0, now 1.1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("depends", "module", "why"),
    [
        ({"n": 2}, "tfkd.errors", "n, of run changed"),
        ({"n": 1, "of_run": {"epochs": 4, "alpha": 0.0}}, "tfkd.errors", "--epochs changed"),
        ({"of_run": {"epochs": 3, "alpha": 0.0}}, "tfkd.errors", "n changed"),
        ({"n": 1, "of_run": {"epochs": 3, "alpha": 0.0}}, "tfkd.progress", "tfkd's code for it changed"),
        ({"n": 1, "of_run": {"epochs": 3, "alpha": 0.0}}, "tfkd.errors", "what it made has gone"),
    ],
)
def test_it_says_why_it_is_done_again(tmp_path, work, capsys, depends, module, why):
    _do(tmp_path, work, {"n": 1, "of_run": {"epochs": 3, "alpha": 0.0}})
    assert "again" not in capsys.readouterr().err
    work.output.unlink()
    _do(tmp_path, work, depends, (module,))
    assert f"one, again: {why}\n" in capsys.readouterr().err


def test_done_again_if_its_output_is_gone(tmp_path, work):
    _do(tmp_path, work)
    work.output.unlink()
    _do(tmp_path, work)
    assert work.done == 2


@pytest.mark.parametrize("record", ["", "{", "[]", '"text"', "{}"])
def test_done_again_if_its_record_is_damaged(tmp_path, work, record):
    _do(tmp_path, work)
    (tmp_path / "steps" / "one.json").write_text(record)
    _do(tmp_path, work)
    assert work.done == 2


def test_failed_is_not_done_and_its_time_counts(tmp_path, work, monkeypatch):
    clock = iter([100.0, 107.0, 200.0, 205.0])  # seven seconds until it fails, five until it is done
    monkeypatch.setattr("tfkd.pipeline.steps.time.monotonic", lambda: next(clock))

    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Steps(tmp_path).do("one", {"n": 1}, ("tfkd.errors",), [work.output], fail)
    assert "fingerprint" not in read_json(tmp_path / "steps" / "one.json")
    steps = Steps(tmp_path)
    steps.do("one", {"n": 1}, ("tfkd.errors",), [work.output], work)
    assert (work.done, steps.seconds) == (1, {"one": 12.0})


def test_time_of_other_work_does_not_count(tmp_path, work, monkeypatch):
    clock = iter([100.0, 107.0, 200.0, 205.0])
    monkeypatch.setattr("tfkd.pipeline.steps.time.monotonic", lambda: next(clock))

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Steps(tmp_path).do("one", {"n": 1}, ("tfkd.errors",), [work.output], fail)
    steps = Steps(tmp_path)
    steps.do("one", {"n": 2}, ("tfkd.errors",), [work.output], work)
    assert steps.seconds == {"one": 5.0}


def test_says_where_it_is_and_how_long_each_took(tmp_path, work, monkeypatch, capsys):
    clock = iter([0.0, 65.0, 100.0, 103.4, 200.0, 200.4])
    monkeypatch.setattr("tfkd.pipeline.steps.time.monotonic", lambda: next(clock))
    _do(tmp_path, work)
    steps = Steps(tmp_path, ["one", "two", "three"])
    steps.do("one", {"n": 1}, ("tfkd.errors",), [work.output], work)
    steps.do("two", {"n": 1}, ("tfkd.errors",), [work.output], work)
    assert steps.repeat("three", lambda: "figures") == "figures"
    assert capsys.readouterr().err.splitlines() == [
        *("one", "one: done in 1 min 5 s"),
        "step 1 of 3: one: done already (1 min 5 s)",
        *("step 2 of 3: two", "two: done in 3 s"),
        "step 3 of 3: three",
    ]
    assert steps.summary() == "one 1 min 5 s (before), two 3 s, three 0 s; in all 1 min 9 s"
    assert recorded_step(tmp_path, "three") == {"seconds": pytest.approx(0.4)}
