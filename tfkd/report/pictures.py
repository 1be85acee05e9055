"""The pictures of the reports: SVG to stand in a page, in the page's colours and letters.

Matplotlib draws them; what it draws in one of the colours here becomes a variable of the page's style sheet
(`templates/style.css`), which has one palette for light and one for dark. The palette is that of Okabe and Ito (2008),
which the colour-blind can tell apart; markers and dashes differ too.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

from tfkd.report.metrics import ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _RULE = "#1a1a1b", "#c8c8c9"
_COLOURS = {
    "blue": "#0072b2",
    "vermillion": "#d55e00",
    "green": "#009e73",
    "orange": "#e69f00",
    "purple": "#cc79a7",
    "sky": "#56b4e9",
    "yellow": "#f0e442",
    "grey": "#767677",
}
_VARIABLES = {_INK: "currentColor", _RULE: "var(--rule)"} | {code: f"var(--{c})" for c, code in _COLOURS.items()}
# As Matplotlib 3.11 names them, and in one with the size as it did before.
_FONT = re.compile(r"(font-family: |font: [\d.]+px )[^;]+")
# Inches, 72 of the page's pixels each: narrow, so that letters stay large enough on a phone.
_SIZE = (5.2, 3.7)
_LEGEND_LINE = 0.22
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be found, read aloud, and has the page's letters
    "text.parse_math": False,  # a run may be called $$$
    "font.size": 12,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _RULE,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "xtick.color": _RULE,
    "ytick.color": _RULE,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
}


@dataclass(frozen=True)
class Look:
    """How a model or run is drawn in all pictures: colour by its name in the style sheet, marker and dashes."""

    colour: str
    marker: str
    dashes: str = "-"

    @property
    def code(self) -> str:
        """Matplotlib's name of the colour."""
        return _COLOURS[self.colour]


TEACHER, STUDENT, BASELINE = Look("blue", "s"), Look("vermillion", "o"), Look("green", "^", "--")
# One run after the other, in a comparison; no two of 18 are alike, in lines or in marks.
LOOKS = tuple(
    Look(colour, "so^DvP"[(i + turn) % 6], dashes)
    for turn, dashes in enumerate(("-", "--", ":"))
    for i, colour in enumerate(("blue", "vermillion", "green", "purple", "orange", "sky"))
)


@dataclass(frozen=True)
class Point:
    """A model in a picture of accuracy against something.

    Attributes:
      name: what the legend calls it.
      look: how it is drawn.
      x: what its accuracy is set against.
      accuracies: its dev accuracies, one a seed; their mean is drawn large if there are several.
      interval: the lowest and the highest accuracy that their mean is compatible with, if known.
    """

    name: str
    look: Look
    x: float
    accuracies: tuple[float, ...]
    interval: tuple[float, float] | None = None

    @property
    def mean(self) -> float:
        """The mean accuracy."""
        return sum(self.accuracies) / len(self.accuracies)


@dataclass(frozen=True)
class Level:
    """An accuracy without an x: a line across the picture."""

    name: str
    look: Look
    accuracy: float


@dataclass(frozen=True)
class Line:
    """A figure by epoch: the lines of one name (several seeds) are drawn alike.

    Attributes:
      name: what the legend calls it.
      look: how it is drawn.
      values: after epoch 1, 2, ...
    """

    name: str
    look: Look
    values: tuple[float, ...]


def accuracy_against(
    what: str, unit: str, points: Sequence[Point], levels: Sequence[Level] = (), scale: float = 1.0
) -> Markup:
    """Returns the picture of dev accuracy against size, time or rows, which has a logarithmic scale.

    Args:
      what: is on the x axis.
      unit: of it.
      points: one a model or run.
      levels: accuracies to compare with.
      scale: what an x is divided by to be in that unit.
    """
    figure, axes = _empty()
    for point in points:
        x, look = point.x / scale, point.look
        if len(point.accuracies) > 1:
            alike = [x] * len(point.accuracies)
            axes.plot(alike, point.accuracies, look.marker, color=look.code, markersize=3.5, alpha=0.75)
        axes.errorbar(
            x, point.mean, yerr=_bar(point), color=look.code, marker=look.marker, markersize=9,
            linestyle="", elinewidth=1.2, capsize=3, label=_named(point.name),
        )  # fmt: skip
    for level in levels:
        axes.axhline(
            level.accuracy, color=level.look.code, linestyle=level.look.dashes, linewidth=1.4, label=_named(level.name)
        )
    axes.set_xscale("log")
    # Room beside the outermost points: a lone one would stand in the midst of ten decades.
    xs = [point.x / scale for point in points]
    axes.set_xlim(min(xs) / 1.8, max(xs) * 1.8)
    _few_ticks(axes)
    axes.set_xlabel(f"{what} ({unit}, log scale)")
    axes.set_ylabel("dev accuracy")
    _up_to_all(axes)
    _percent(axes)
    said = [f"{p.name}: {100 * p.mean:.2f} % at {_written(p.x / scale)} {unit}" for p in points]
    said += [f"{level.name}: {100 * level.accuracy:.2f} %" for level in levels]
    return _finished(figure, axes, f"Dev accuracy against {what}. {'; '.join(said)}.")


def learning_curves(lines: Sequence[Line]) -> Markup:
    """Returns the picture of dev accuracy by epoch."""
    figure, axes = _curves(lines)
    axes.set_ylabel("dev accuracy")
    _up_to_all(axes)
    _percent(axes)
    said = [f"{line.name} {', '.join(f'{100 * value:.1f}' for value in line.values)}" for line in lines]
    return _finished(figure, axes, f"Dev accuracy in per cent after each epoch. {'; '.join(said)}.")


def loss_curves(lines: Sequence[Line]) -> Markup:
    """Returns the picture of training loss by epoch, which has a logarithmic scale unless a loss is zero."""
    figure, axes = _curves(lines)
    axes.set_ylabel("training loss")
    if min(value for line in lines for value in line.values) > 0:
        axes.set_yscale("log")
        _few_ticks(axes, "y")
        axes.set_ylabel("training loss (log scale)")
    said = [f"{line.name} {', '.join(f'{value:.3g}' for value in line.values)}" for line in lines]
    return _finished(figure, axes, f"Training loss of each epoch. {'; '.join(said)}.")


def reliability_diagram(models: Sequence[tuple[str, Look, Sequence[ReliabilityBin]]]) -> Markup:
    """Returns the picture of how often models are right, against how sure they are; larger marks are of more rows."""
    figure, axes = _empty()
    axes.plot([0, 1], [0, 1], color=_COLOURS["grey"], linestyle=":", linewidth=1.2, label="as sure as right")
    for name, look, bins in models:
        sure, right = [b.confidence for b in bins], [b.accuracy for b in bins]
        most = max(b.rows for b in bins)
        axes.plot(sure, right, color=look.code, linestyle=look.dashes, linewidth=1.2)
        sizes = [12 + 110 * b.rows / most for b in bins]
        axes.scatter(sure, right, sizes, color=look.code, marker=look.marker, alpha=0.85, label=name, linewidths=0)
    least = min(b.confidence for _, _, bins in models for b in bins)
    axes.set_xlim(max(least - 0.05, 0), 1.02)
    axes.set_ylim(-0.03, 1.03)
    _percent(axes)
    _percent(axes, "x")
    axes.set_xlabel("probability of the predicted label")
    axes.set_ylabel("share that is right")
    said = [
        f"{name}: {', '.join(f'{100 * b.accuracy:.0f} % right at {100 * b.confidence:.0f} %' for b in bins)}"
        for name, _, bins in models
    ]
    return _finished(figure, axes, f"Reliability diagram. {'; '.join(said)}.")


def _curves(lines: Sequence[Line]) -> tuple[Figure, Axes]:
    from matplotlib.ticker import MaxNLocator

    figure, axes = _empty()
    named: set[str] = set()
    for line in lines:
        label = "" if line.name in named else _named(line.name)
        named.add(line.name)
        look, epochs = line.look, range(1, len(line.values) + 1)
        axes.plot(epochs, line.values, color=look.code, marker=look.marker, linestyle=look.dashes, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    return figure, axes


def _empty() -> tuple[Figure, Axes]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        return figure, figure.add_subplot()


def _bar(point: Point) -> list[list[float]] | None:
    """Returns how far a point's interval reaches below and above it, as Matplotlib takes it."""
    if point.interval is None:
        return None
    low, high = point.interval
    return [[max(point.mean - low, 0.0)], [max(high - point.mean, 0.0)]]


def _named(name: str) -> str:
    """Returns a name as the legend takes it, which passes over those that begin with an underscore."""
    return f"\u200b{name}" if name.startswith("_") else name


def _written(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _up_to_all(axes: Axes) -> None:
    """Ends an axis of shares at 100 %, with room for the half of a mark above it."""
    low, high = axes.get_ylim()
    if high > 1:
        axes.set_ylim(low, 1 + 0.03 * (1 - low))


def _percent(axes: Axes, axis: str = "y") -> None:
    from matplotlib.ticker import PercentFormatter

    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    decimals = 0 if high - low > 0.05 else 1
    getattr(axes, f"{axis}axis").set_major_formatter(PercentFormatter(1, decimals=decimals, symbol=" %"))


def _few_ticks(axes: Axes, axis: str = "x") -> None:
    """Labels some round numbers of a logarithmic axis, not powers of ten alone, and writes them out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    found = getattr(axes, f"{axis}axis")
    low, high = axes.get_xlim() if axis == "x" else axes.get_ylim()
    by_decade = LogLocator(subs=(1, 3) if high / low > 30 else (1, 2, 5), numticks=12)
    found.set_major_locator(by_decade if high / low > 5 else MaxNLocator(3))
    found.set_minor_locator(NullLocator())
    found.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _finished(figure: Figure, axes: Axes, alternative: str) -> Markup:
    """Returns a picture as an element of the page.

    Args:
      figure: the picture.
      axes: its only ones.
      alternative: the text that stands for it.
    """
    from matplotlib import rc_context

    with rc_context({**_STYLE, "svg.hashsalt": alternative}):
        handles, _ = axes.get_legend_handles_labels()
        if handles:
            figure.legend(loc="outside upper left", ncols=2, fontsize=11, columnspacing=1)
            # A long legend takes its room below, not that of the picture.
            figure.set_figheight(_SIZE[1] + _LEGEND_LINE * max(math.ceil(len(handles) / 2) - 2, 0))
        drawn = io.BytesIO()
        with warnings.catch_warnings():
            # The page's letters are others, and may well have what these lack.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(drawn.getvalue())
    return Markup(ElementTree.tostring(_of_the_page(root, alternative), encoding="unicode"))


def _of_the_page(root: ElementTree.Element, alternative: str) -> ElementTree.Element:
    """Takes from an SVG what belongs to a file of its own, and gives it colours and letters of the page."""
    for parent in root.iter():
        for child in [c for c in parent if c.tag.endswith(("}metadata", "}style"))]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        attributes = {name.rpartition("}")[2]: _in_page_style(value) for name, value in element.attrib.items()}
        # Groups have ids by number, which the next picture has too; those of shapes are hashes, and are referred to.
        if element.tag == "g":
            attributes.pop("id", None)
        element.attrib.clear()
        element.attrib.update(attributes)
    width, height = (float(root.attrib.pop(side).removesuffix("pt")) for side in ("width", "height"))
    root.attrib.pop("version", None)
    root.attrib |= {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": alternative}
    return root


def _in_page_style(value: str) -> str:
    for code, variable in _VARIABLES.items():
        value = value.replace(code, variable)
    return _FONT.sub(r"\1var(--letters)", value)
