"""Progress in a log: lines that say how far and how long, none for short work."""

import os
import pty
import re
import subprocess
import sys
import termios
import time

import pytest

from tfkd import progress


def test_log_gets_a_line_with_rate_and_eta_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 1e-9)
    with progress.progress_bar(2000, "label", "sentences") as bar:
        bar.update(500)
        progress.say("a message")
        bar.update(500)
    out, err = capsys.readouterr()
    assert not out
    lines = err.splitlines()
    pattern = r"label: {} % of 2.00k sentences, +[\d.]+[kMG]? sentences/s, \d\d:\d\d left"
    assert re.fullmatch(pattern.format(25), lines[0]), lines
    assert lines[1] == "a message"
    assert re.fullmatch(pattern.format(50), lines[2]), lines
    assert len(lines) == 3


def test_what_was_done_before_an_interruption_makes_the_rest_no_faster(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 1e-9)
    with progress.progress_bar(2000, "label", "sentences", done=1490) as bar:
        time.sleep(0.1)
        bar.update(10)
    line = capsys.readouterr().err
    found = re.fullmatch(r"label: 75 % of 2.00k sentences, +([\d.]+) sentences/s, (\d\d):(\d\d) left\n", line)
    assert found, line
    assert float(found[1]) <= 100  # 10 in 0.1 s or more, so that the other 500 take 5 s or more
    assert 60 * int(found[2]) + int(found[3]) >= 5


def test_rate_of_slow_steps_is_steps_a_second_too(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 1e-9)
    with progress.progress_bar(2, "teacher", "steps") as bar:
        time.sleep(1.1)
        bar.update(1)
    err = capsys.readouterr().err
    assert re.fullmatch(r"teacher: 50 % of 2.00 steps, 0\.\d\d steps/s, 00:0\d left\n", err), err


SLOW_WORK = """
import time
from tfkd.progress import progress_bar

with progress_bar(2, "teacher", "steps") as bar:
    time.sleep(1.1)
    bar.update(1)
"""


@pytest.mark.parametrize("columns", [90, 0])
def test_bar_on_a_terminal_whether_it_knows_its_size_or_not(columns):
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24 if columns else 0, columns))
    with os.fdopen(terminal, "rb") as reader:
        subprocess.run([sys.executable, "-c", SLOW_WORK], stdin=end, stderr=end, check=True)
        os.close(end)
        drawn = reader.read1().decode()
    assert re.search(r"\rteacher:  50%\|.*\| 1.00/2.00 steps, 0\.\d\d steps/s, 00:0\d left", drawn), drawn


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (760, "12 min 40 s"),
        (3599.7, "1 h 0 min"),
        (3900, "1 h 5 min"),
    ],
)
def test_duration(seconds, said):
    assert progress.duration(seconds) == said


def test_short_work_leaves_no_line_in_a_log(capsys):
    with progress.progress_bar(10, "label", "sentences") as bar:
        bar.update(10)
    assert capsys.readouterr() == ("", "")


def test_refreshing_a_bar_that_did_not_get_on_leaves_no_line_in_a_log(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 1e-9)
    with progress.Bar(total=0, desc="Dl Size...", unit=" MiB") as size, progress.Bar(total=1, desc="Dl...") as files:
        size.total = 2
        files.refresh()
        size.update(1)
        size.refresh()
        files.refresh()
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch(r"Dl Size\.\.\.: 50 % of 2 MiB, .* left\n", err), err


def test_a_bar_that_ended_early_is_drawn_once_in_a_log(capsys, monkeypatch):
    """However often it is refreshed afterwards, as others get on."""
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 0.01)
    with progress.Bar(total=2, desc="Dl Size...", unit=" MiB") as size:
        size.update(2)
        for _ in range(5):
            time.sleep(0.02)
            size.refresh()
    assert len(capsys.readouterr().err.splitlines()) <= 1
