"""What .tflite files cost, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfkd.benchmark.comparison import ModelFigures
from tfkd.benchmark.host import RUNNERS
from tfkd.report.tables import Rows

# Digits after the point, by unit.
_DIGITS = {"%": 2, "MB": 2, "us": 1, "ms": 1, "M": 2}


def costs_rows(figures: Sequence[ModelFigures], phones: Mapping[str, str]) -> Rows:
    """Returns rows of figures, a column for each model, with what the others take of the first's.

    Args:
      figures: of the models; the first is the one to compare with.
      phones: names of the phones, by serial.
    """
    columns = [_figures(of_model, phones) for of_model in figures]
    first = columns[0]
    rows: Rows = [("", *names_of_files([of_model.path for of_model in figures]))]
    for name in dict.fromkeys(name for column in columns for name in column):
        rows.append(
            (name, *(_cell(column.get(name), None if column is first else first.get(name)) for column in columns))
        )
    return rows


def names_of_files(paths: Sequence[Path]) -> list[str]:
    """Returns the names of files, with as many folders before those of one name as tell them apart."""

    def told_apart(path: Path) -> str:
        rivals = [other for other in paths if other != path and other.name == path.name]
        for parts in range(1, len(path.parts)):
            if all(other.parts[-parts:] != path.parts[-parts:] for other in rivals):
                return "/".join(path.parts[-parts:])
        return str(path)

    return list(map(told_apart, paths))


def kernel_rows(figures: ModelFigures) -> Rows:
    """Returns rows of what an inference's ARM64 instructions go into; what is below a hundredth is one row."""
    whole = sum(figures.kernels.values())
    large = {name: count for name, count in figures.kernels.items() if 100 * count >= whole}
    counts = {**large, "the rest": whole - sum(large.values())}
    rows = [(name, f"{count:,}", f"{100 * count / whole:.1f} %") for name, count in counts.items()]
    return [(figures.path.name, "instructions", "share"), *rows]


def _figures(figures: ModelFigures, phones: Mapping[str, str]) -> dict[str, tuple[float, str]]:
    """The figures of a model that there are, with their units."""
    found = {} if figures.accuracy is None else {"accuracy": (100 * figures.accuracy, "%")}
    found["size"] = figures.size_bytes / 1e6, "MB"
    for runtime in RUNNERS:
        if (latency := figures.latency.get(runtime)) is not None:
            found[f"{runtime}, median"] = latency.median_us, "us"
            found[f"{runtime}, 95 %"] = latency.p95_us, "us"
    if figures.start is not None:
        found["first result"] = figures.start.first_result_ms, "ms"
        found["peak memory"] = figures.start.peak_memory_mb, "MB"
    if figures.arm64 is not None:
        found["ARM64 instructions"] = figures.arm64.inference / 1e6, "M"
        found["ARM64, first result"] = figures.arm64.first_result / 1e6, "M"
    for serial, times in figures.phones.items():
        found[f"{phones[serial]}, mean"] = times.mean_us, "us"
        found[f"{phones[serial]}, first result"] = times.first_result_ms, "ms"
        if times.peak_memory_mb is not None:
            found[f"{phones[serial]}, peak memory"] = times.peak_memory_mb, "MB"
    return found


def _cell(figure: tuple[float, str] | None, first: tuple[float, str] | None) -> str:
    if figure is None:
        return "-"
    value, unit = figure
    shown = f"{value:,.{_DIGITS[unit]}f} {unit}"
    if first is None or unit == "%" or not value or not first[0]:
        return shown
    ratio = first[0] / value
    return f"{shown} ({ratio:,.1f}x less)" if ratio >= 1 else f"{shown} ({1 / ratio:,.1f}x more)"
