"""What every command has in common: help, exit statuses, one line on stderr."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import signal
import subprocess
import sys

import pytest

from tests.commands.conftest import ROOT, assert_one_line, call, call_process
from tfkd.commands.names import COMMANDS, WITH_ARGUMENTS
from tfkd.errors import InputError

HEAVY = ("tensorflow", "keras", "keras_hub", "mediapipe", "ai_edge_litert", "numpy", "pyarrow", "absl.app")
WITH_DATA = ("finetune", "augment", "distill", "export", "run")
# What a command needs beside --data before it reads anything.
OTHERS = {
    "finetune": ["--out=x"],
    "augment": ["--out=x"],
    "distill": ["--out=x", "--baseline"],
    "run": ["--name=x"],
}

LOADED = """
import sys
from tfkd.commands.main import main
try:
    main(sys.argv[1:])
finally:
    print("LOADED", *sys.modules, file=sys.stderr)
"""


def _loaded(err: str) -> set[str]:
    return set(err.partition("LOADED")[2].split())


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["run", "--help"], ["predict", "--help"], ["nonsense"]])
def test_help_loads_nothing_heavy(argv):
    loaded = _loaded(call_process(*argv, code=LOADED).err)
    assert "tfkd.commands.main" in loaded
    assert not loaded & set(HEAVY)


def test_overview_names_every_command():
    for argv in (["--help"], ["-h"], ["help"]):
        outcome = call(*argv)
        assert outcome.status == 0
        for name, what in COMMANDS.items():
            assert f"{name}  " in outcome.out
            assert what in outcome.out
    assert call().status == 2
    assert call("--version").out == "tfkd 0.1.0\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name):
    outcome = call(name, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    # One sentence, an empty line, the first example.
    assert outcome.out.splitlines()[2].strip().startswith(f"tfkd {name} ")
    flags_shown = {line.strip().split()[0] for line in outcome.out.splitlines() if line.startswith("  --")}
    assert {"--flagfile", "--help", "--debug"} <= flags_shown
    assert not {"--helpfull", "--helpxml", "--pdb"} & flags_shown
    assert call(name, "-h").out == outcome.out


def test_help_says_each_default_but_those_that_mean_nothing():
    shown = re.sub(r"\n {6}", " ", call("run", "--help").out)
    assert re.search(r"--alpha .*\(default: '0\.0'\)\n", shown)
    assert re.search(r"--n_iter .*\(default: '10'\)\n", shown)
    assert re.search(r"--update (?!.*default).*\n", shown)  # no
    assert re.search(r"--unlabelled (?!.*default).*\n", shown)  # none


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_of_help_names_flags_that_exist(name):
    module = importlib.import_module(f"tfkd.commands.{name}")
    known = {line.strip() for line in call(name, "--help").out.splitlines() if line.startswith("  --")}
    for line in (module.__doc__ or "").splitlines():
        if line.strip().startswith("tfkd "):
            assert {word.split("=")[0] for word in line.split() if word.startswith("--")} <= known


def test_unknown_command():
    assert_one_line(call("fly"), 2, "'fly'", "predict")


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - set(WITH_ARGUMENTS)))
def test_arguments_that_nobody_reads(name):
    """Such as what stands after a switch, or the rest of a path with blanks."""
    assert_one_line(call(name, "false"), 2, f"unexpected argument 'false'; see tfkd {name} --help")


def test_output_of_a_locale_that_lacks_a_letter(chain):
    for flag, shown in (("--json", '"text": "\\u65e5"'), ("--nojson", "\\u65e5")):
        done = subprocess.run(
            [sys.executable, "-m", "tfkd", "predict", f"--model={chain.tflite}", flag, "\u65e5"],
            capture_output=True, cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "latin-1"}, check=True,
        )  # fmt: skip
        assert shown in done.stdout.decode("latin-1")


def test_a_reader_of_stderr_that_stops_ends_no_work(corpus_file, tmp_path):
    """Only one of standard output has seen enough; what is said on the way may have no reader."""
    command = [sys.executable, "-m", "tfkd", "augment", f"--data={corpus_file}", f"--out={tmp_path / 's'}"]
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(command)} 2>&1 >/dev/null | true; exit ${{PIPESTATUS[0]}}"], cwd=ROOT
    )
    assert done.returncode == 0
    assert (tmp_path / "s" / "manifest.json").exists()
    failing = shlex.join([*command[:4], "--data=none.csv", f"--out={tmp_path / 't'}"])
    done = subprocess.run(["bash", "-c", f"{failing} 2>&1 >/dev/null | true; exit ${{PIPESTATUS[0]}}"], cwd=ROOT)
    assert done.returncode == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(chain, closed):
    """As of what cron or systemd starts."""
    command = shlex.join([sys.executable, "-m", "tfkd", "predict", f"--model={chain.tflite}"])
    for argument, shown in (("good", b"\tgood\n"), ("", b"")):  # the second reads standard input
        line = f"{command} {argument} {closed}" + ("" if argument or "<" in closed else " </dev/null")
        done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, b""), line
        assert done.stdout.endswith(shown if closed in ("<&-", "2>&-") else b""), line


def test_an_argument_that_is_not_utf8(corpus_file, tmp_path):
    """Such as a file's name from an old disk."""
    line = shlex.join([sys.executable, "-m", "tfkd", "augment", f"--data={corpus_file}"]) + " --out=$'caf\\xe9'"
    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == b"tfkd: argument 3: isn't UTF-8: --out=caf\\udce9; rename the file it names\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_unknown_flag(name):
    assert_one_line(call(name, "--no_such_flag=1"), 2, "no_such_flag", f"tfkd {name} --help")


@pytest.mark.parametrize(
    ("flag", "part"),
    [
        ("--epochs=many", "tfkd: --epochs=many: expected a whole number; see"),
        ("--max_tokens=1.5", "tfkd: --max_tokens=1.5: expected a whole number; see"),
        ("--alpha=x", "tfkd: --alpha=x: expected a number; see"),
        ("--update=7", "tfkd: --update=7: expected true or false; see"),
        ("--epochs=0", "--epochs=0: expected a number above 0"),
        ("--alpha=1.5", "--alpha=1.5: expected a share from 0 to 1"),
        ("--alpha=nan", "--alpha=nan"),
        ("--learning_rate=nan", "--learning_rate=nan"),
        ("--teacher_weight_decay=nan", "--teacher_weight_decay=nan"),
        ("--teacher_r_drop=-1", "--teacher_r_drop=-1.0: expected 0 or more"),
        ("--p_mask=0.7 --p_pos=0.7", "at most 1"),
        ("--optimizer=adadelta", "--learning_rate=0.002: expected 0.1 or more with adadelta"),
        ("--transfer_set=t --logits_from=l", "--transfer_set=t --logits_from=l: expected one of them"),
        ("--optimizer=sgd", "tfkd: --optimizer=sgd: expected one of adam|adadelta; see"),
        ("--soft_loss=l1", "l1"),
        ("--temperature=0", "--temperature=0"),
        ("--quantization=int4", "int4"),
        ("--labels=only", "at least two"),
        ("--labels=a,a", "each name once"),
        ("--student_seeds=1,x", "whole numbers"),
        ("--student_seeds=1,1", "each once"),
        ("--student_seeds=", "one or more"),
        ("--student_seeds=-1", "from 0 to"),
        ("--seed=-1", "tfkd: --seed=-1: expected an integer in the range [0, 4294967295]; see"),
        ("--seed=x", "tfkd: --seed=x: expected a whole number; see"),
        ("--seed=99999999999", "seed"),
        ("--max_tokens=0", "--max_tokens=0"),
        ("--vocabulary_size=3", "--vocabulary_size=3"),
        ("--detokenize=no", "detokenize"),
        ("--embeddings=glove.txt", "--embeddings=glove.txt: expected teacher, random or file:PATH"),
        ("--p_ng=1.5", "--p_ng=1.5: expected a share from 0 to 1"),
        ("--embeddings=file:", "expected teacher, random or file:PATH"),
        ("--embedding_training=frozen", "frozen"),
    ],
)
def test_bad_value(flag, part, tmp_path):
    assert_one_line(call("run", f"--runs={tmp_path}", "--data=x.tsv", *flag.split()), 2, part, "see tfkd run --help")
    assert not list(tmp_path.iterdir())


def test_bad_value_of_augment(tmp_path):
    assert_one_line(
        call("augment", "--shard_rows=0", "--data=x.tsv", f"--out={tmp_path / 'x'}"),
        2,
        "--shard_rows=0: expected a positive integer",
    )


def test_flagfile(tmp_path):
    flagfile = tmp_path / "my.flags"
    assert_one_line(call("run", f"--flagfile={flagfile}"), 2, "my.flags")
    flagfile.write_text("# a comment\n--epochs=0\n")
    assert_one_line(call("run", f"--flagfile={flagfile}"), 2, "--epochs=0")
    flagfile.write_text("--no_such_flag\n")
    assert_one_line(call("run", f"--flagfile={flagfile}"), 2, "no_such_flag")
    flagfile.write_bytes(b"--data=\xff\n")
    assert_one_line(call("run", f"--flagfile={flagfile}"), 2)


@pytest.mark.parametrize("name", OTHERS)
def test_missing_data(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_one_line(call(name, *OTHERS[name]), 2, "--data is missing", f"tfkd {name} --help")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("argv", "flag"),
    [
        (["finetune", "--data=x"], "--out"),
        (["augment", "--data=x"], "--out"),
        (["label", "--sentences=x"], "--out"),
        (["label", "--out=x"], "--sentences"),
        (["label", "--out=x", "--logits_from=x"], "--labels"),
        (["distill", "--data=x"], "--out"),
        (["distill", "--data=x", "--out=x"], "--transfer_set"),
        (["export", "--out=x"], "--student"),
        (["export", "--student=x"], "--out"),
        (["predict", "a text"], "--model"),
    ],
)
def test_missing_flag(argv, flag):
    assert_one_line(call(*argv), 2, f"{flag} is missing", f"tfkd {argv[0]} --help")


@pytest.mark.parametrize(
    ("argv", "status", "part"),
    [
        (["run"], 2, "--data is missing"),
        (["finetune", "--out=x"], 2, "--data is missing"),
        (["run", "--data=none.csv"], 1, "none.csv: there is no such file"),
        (["finetune", "--data=none.csv", "--out=x"], 1, "none.csv: there is no such file"),
        (["augment", "--data=none.csv", "--out=x"], 1, "none.csv: there is no such file"),
        (["distill", "--data=none.csv", "--out=x", "--baseline"], 1, "none.csv: there is no such file"),
        (["distill", "--data=none.csv", "--out=x", "--transfer_set=none"], 1, "none: no manifest.json"),
        (["export", "--data=none.csv", "--out=x", "--student=none"], 1, "--student=none: there is no such folder"),
        (["export", "--data=none.csv", "--out=x", "--student=tests"], 1, "none.csv: there is no such file"),
        (["evaluate", "--data=none.csv", "tests"], 1, "none.csv: there is no such file"),
        (["label", "--sentences=none", "--teacher=none", "--out=x"], 1, "none: no manifest.json"),
    ],
)
def test_what_is_not_there_is_said_before_anything_heavy_is_loaded(argv, status, part):
    outcome = call_process(*argv, code=LOADED)
    assert outcome.status == status
    assert outcome.err.startswith("tfkd: ")
    assert part in outcome.err.splitlines()[0]
    assert not _loaded(outcome.err) & (set(HEAVY) - {"numpy", "pyarrow"})


@pytest.mark.parametrize("name", ["../evil", "a/b", "/tmp/evil", "..", ".", "", "a/"])
def test_name_of_a_run_is_one_folder(name, tmp_path, corpus_file):
    runs = tmp_path / "runs"
    outcome = call("run", f"--name={name}", f"--runs={runs}", f"--data={corpus_file}")
    assert_one_line(outcome, 2, f"--name={name}: expected the name of one folder; --runs says in which it lies")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", OTHERS)
def test_data_that_is_not_there(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_one_line(call(name, "--data=none.tsv", *OTHERS[name]), 1, "none.tsv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", OTHERS)
def test_dev_that_is_train(name, tmp_path, monkeypatch, corpus_file):
    monkeypatch.chdir(tmp_path)
    outcome = call(name, f"--data={corpus_file}", f"--dev={corpus_file}", *OTHERS[name])
    assert_one_line(outcome.without_notes(), 1, "of the rows that are not in dev too, 0, no two have different labels")
    assert not list(tmp_path.iterdir())


def test_files_that_are_not_there(tmp_path, monkeypatch, corpus_file):
    monkeypatch.chdir(tmp_path)
    assert_one_line(call("label", "--sentences=none", "--teacher=none", "--out=x"), 1, "none: no manifest.json")
    assert_one_line(call("label", "--logits_from=none", "--labels=a,b", "--out=x"), 1, "--logits_from=none")
    assert_one_line(call("distill", f"--data={corpus_file}", "--transfer_set=none", "--out=x"), 1, "none")
    assert_one_line(
        call("export", f"--data={corpus_file}", "--student=none", "--out=x"),
        1,
        "--student=none: there is no such folder",
    )
    assert_one_line(call("evaluate", f"--data={corpus_file}", "none"), 1, "none: there is no such")
    assert_one_line(call("evaluate", f"--data={corpus_file}"), 2, "one or more models")
    assert_one_line(call("predict", "--model=none", "text"), 1, "none")
    assert not list(tmp_path.iterdir())


def test_run_takes_no_argument():
    assert_one_line(call("run", "stray"), 2, "'stray'")


@pytest.fixture
def failing(monkeypatch):
    """Lets `tfkd augment` end with an error."""

    def fail_with(error: BaseException):
        def main(arguments: list[str]) -> None:
            raise error

        monkeypatch.setattr("tfkd.commands.augment.main", main)

    return fail_with


def test_errors_become_one_line(failing):
    failing(InputError("two\nlines"))
    assert_one_line(call("augment"), 1, "two lines")
    failing(OSError(28, "No space left on device", "somewhere"))
    assert_one_line(call("augment"), 1, "No space left on device", "somewhere")
    failing(MemoryError())
    assert_one_line(call("augment"), 1, "MemoryError")
    failing(KeyboardInterrupt())
    assert_one_line(call("augment"), 130, "interrupted; nothing is left half written")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_how_to_go_on(tmp_path, tiny_bert, corpus_file, sent):
    """By a real Ctrl-C, or as a container is stopped; the command line that it names is one that a shell takes."""
    out, epochs = tmp_path / "my teacher", 12
    flags = [f"--data={corpus_file}", f"--teacher={tiny_bert}", f"--out={out}", f"--teacher_epochs={epochs}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tfkd", "finetune", *flags],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a shell's "&" has turned off
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("teacher: epoch 2 of"):  # so that the first is written
            process.send_signal(sent)
            break
    last = process.stderr.read().splitlines()[-1]
    assert process.wait() == 130
    said, _, command = last.partition(" To go on: ")
    assert said == "tfkd: interrupted; what is whole is kept."
    again = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(rf"^teacher: going on after epoch \d+ of {epochs}$", again.stderr, flags=re.M)
    assert again.stdout.startswith(f"{out}: dev accuracy ")


def test_interrupted_as_an_installed_program(monkeypatch):
    monkeypatch.setattr("tfkd.commands.label.main", lambda arguments: os.kill(os.getpid(), signal.SIGINT))
    # What runs in the background of a shell is started with this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcome = call("label", "--out=two words")
    finally:
        signal.signal(signal.SIGINT, before)
    assert_one_line(outcome, 130, "what is whole is kept. To go on: tfkd label '--out=two words'")


def test_debug_shows_the_traceback(failing):
    failing(InputError("why"))
    outcome = call("augment", "--debug")
    assert outcome.status == 1
    assert "Traceback" in outcome.err
    assert outcome.err.endswith("tfkd: why\n")


def test_an_error_of_ours_is_not_dressed_up(failing):
    failing(AssertionError())
    with pytest.raises(AssertionError):
        call("augment")
