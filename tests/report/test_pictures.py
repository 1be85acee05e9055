"""Pictures: where marks stand, and that they take the page's colours."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import tfkd.report
from tfkd.report.metrics import ReliabilityBin
from tfkd.report.pictures import (
    BASELINE,
    STUDENT,
    TEACHER,
    Level,
    Line,
    Point,
    accuracy_against,
    learning_curves,
    loss_curves,
    reliability_diagram,
)

STYLE_SHEET = Path(tfkd.report.__file__).parent / "templates" / "style.css"
POINTS = (
    Point("student", STUDENT, 1e6, (0.8, 0.9), (0.84, 0.86)),
    Point("teacher", TEACHER, 1e8, (0.95,), (0.93, 0.96)),
)
BINS = (ReliabilityBin(0.6, 0.5, 10), ReliabilityBin(0.95, 0.9, 90))
LINES = (Line("student", STUDENT, (0.5, 0.75)), Line("teacher", TEACHER, (0.9,)))
PICTURES = {
    "accuracy_against": lambda: accuracy_against("size", "MB", POINTS, [Level("baseline", BASELINE, 0.7)], 1e6),
    "learning_curves": lambda: learning_curves(LINES),
    "loss_curves": lambda: loss_curves([Line("student", STUDENT, (2.0, 0.5))]),
    "reliability_diagram": lambda: reliability_diagram([("teacher", TEACHER, BINS), ("student", STUDENT, BINS)]),
}


def _uses(svg: str, variable: str) -> list[tuple[float, float]]:
    """Returns where marks of a colour stand, in the picture's own measure."""
    found = []
    for element in ElementTree.fromstring(svg).iter("use"):
        if f"fill: var(--{variable})" in element.get("style", ""):
            found.append((float(element.get("x", "nan")), float(element.get("y", "nan"))))
    return found


@pytest.mark.parametrize("name", PICTURES)
def test_every_colour_is_the_pages(name):
    svg = str(PICTURES[name]())
    colours = set(re.findall(r"(?:fill|stroke|color): ([^;\"]+)", svg))
    assert "currentColor" in colours
    assert all(c in ("none", "currentColor") or c.startswith("var(--") for c in colours), colours
    assert svg.count("font-size: ") + svg.count("font: ") == svg.count("var(--letters)") > 4
    assert "sans" not in svg
    with open(STYLE_SHEET, encoding="utf-8") as f:
        light, _, dark = f.read().partition("@media (prefers-color-scheme: dark)")
    for variable in {c.removeprefix("var(").removesuffix(")") for c in colours if c.startswith("var(")}:
        assert f"{variable}: #" in light
        assert f"{variable}: #" in dark


def test_up_is_better_and_left_is_smaller():
    svg = str(PICTURES["accuracy_against"]())
    # Of the student both seeds, the ends of the bar, the mean; of the teacher the bar and its one value.
    first, second, high, low, student = _uses(svg, "vermillion")[:5]
    teacher = _uses(svg, "blue")[2]
    assert student[0] < teacher[0]
    assert student[1] > teacher[1]  # y grows downwards
    assert {round(x, 3) for x, _ in (first, second, high, low)} == {round(student[0], 3)}
    assert (first[1] + second[1]) / 2 == pytest.approx(student[1], abs=0.01)
    # 0.8 and 0.9 are ten times as far apart as the bar's ends are from the mean.
    assert abs(high[1] - student[1]) == pytest.approx((first[1] - second[1]) / 10, abs=0.01)
    # They stand above the ticks of their sizes.
    ticks = {text.text: float(text.get("x", "nan")) for text in ElementTree.fromstring(svg).iter("text")}
    assert (ticks["1"], ticks["100"]) == pytest.approx((student[0], teacher[0]), abs=0.01)


def test_no_accuracy_above_all():
    """Where all are right the axis ends there, and the tick of 100 % is its last."""
    for picture in (
        accuracy_against("size", "MB", [Point("s", STUDENT, 1.0, (1.0,), (0.941, 1.0))]),
        learning_curves([Line("s", STUDENT, (0.5, 1.0))]),
        learning_curves([Line("s", STUDENT, (1.0, 1.0))]),
    ):
        texts = [element.text or "" for element in ElementTree.fromstring(str(picture)).iter("text")]
        ticks = [float(text.removesuffix(" %")) for text in texts if text.endswith(" %")]
        assert len(ticks) > 2
        assert max(ticks) == 100


def test_alternative_texts():
    label = {name: ElementTree.fromstring(str(picture())).get("aria-label") for name, picture in PICTURES.items()}
    assert label["accuracy_against"] == (
        "Dev accuracy against size. student: 85.00 % at 1.00 MB; teacher: 95.00 % at 100 MB; baseline: 70.00 %."
    )
    assert label["learning_curves"] == "Dev accuracy in per cent after each epoch. student 50.0, 75.0; teacher 90.0."
    assert label["loss_curves"] == "Training loss of each epoch. student 2, 0.5."
    assert label["reliability_diagram"] == (
        "Reliability diagram. teacher: 50 % right at 60 %, 90 % right at 95 %; "
        "student: 50 % right at 60 %, 90 % right at 95 %."
    )


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_figures_are_the_same_bytes(name):
    assert str(PICTURES[name]()) == str(PICTURES[name]())


def test_figures_at_their_limits():
    """All right, no loss, one epoch, one point: nothing to scale by."""
    accuracy_against("size", "MB", [Point("s", STUDENT, 1.0, (1.0,))])
    learning_curves([Line("s", STUDENT, (1.0,))])
    loss_curves([Line("s", STUDENT, (0.0,))])
    loss_curves([Line("s", STUDENT, (0.69, 0.68))])
    reliability_diagram([("s", STUDENT, (ReliabilityBin(1.0, 1.0, 1),))])
