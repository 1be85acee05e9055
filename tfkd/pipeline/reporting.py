"""The pages of a run, written when it ends or anew; and the page that compares several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfkd.config import ExportConfig
from tfkd.errors import InputError, TfkdError, UsageError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.metadata import read_metadata
from tfkd.files import write_text
from tfkd.pipeline.data import read_sentences
from tfkd.pipeline.finished_run import open_run, summary_of, teacher_is_missing
from tfkd.pipeline.measuring import teacher_probabilities
from tfkd.pipeline.run_folder import BENCHMARK_FILE, RunFolder
from tfkd.progress import say
from tfkd.report.comparison import comparison_page
from tfkd.report.coverage import coverage, length_hint
from tfkd.report.markdown import report
from tfkd.report.model_card import model_card
from tfkd.report.page import report_page
from tfkd.report.run_figures import DevPredictions, run_figures
from tfkd.text.examples import Corpus, digest
from tfkd.training.finetune import load_finetuned

PAGE_FILE, CARD_FILE, TABLES_FILE = "report.html", "model_card.md", "report.md"


def write_reports(run: RunFolder, corpus: Corpus, predictions: DevPredictions) -> Path:
    """Writes `report.html`, `model_card.md` and `report.md` into the folder of a finished run; returns the first.

    Args:
      run: with its `metrics.json`.
      corpus: what it was made of.
      predictions: for `corpus.dev`.
    """
    classifier = LiteRtClassifier.from_file(run.exported())
    summary = summary_of(run)
    figures = run_figures(
        summary,
        corpus,
        predictions,
        classifier.predict,
        classifier.tokenizer,
        classifier.max_tokens,
        run.config.export,
    )
    pages = {
        TABLES_FILE: report(summary.name, summary.metrics, corpus.notes, summary.seconds, corpus.unit),
        CARD_FILE: model_card(figures),
        PAGE_FILE: report_page(figures),
    }
    for name, page in pages.items():
        write_text(run.path / name, page)
    if summary.outdated:
        say(f"report: {run.path / BENCHMARK_FILE}: {', '.join(summary.outdated)} was made anew since; left out")
    return run.path / PAGE_FILE


def dev_length_hint(file: Path, corpus: Corpus, config: ExportConfig) -> str:
    """Returns a line on a --max_tokens that would do better on dev for a file made so; "" if there is none."""
    metadata = read_metadata(file)
    read = coverage(metadata.tokenizer, metadata.max_tokens, corpus.dev.columns)
    return length_hint(read, corpus.unit, config)


def report_run(path: str | Path) -> Path:
    """Writes the pages of a finished run anew from what its folder holds; returns `report.html`.

    The data is read again, and teacher and `.tflite` say again what they say on dev; `metrics.json` stays.

    Raises:
      InputError: the folder is no finished run, or its data isn't what the run was made of.
    """
    run = open_run(path)
    summary = summary_of(run)
    if summary.teacher_accuracy is not None and not run.has_teacher:
        raise teacher_is_missing(run)
    try:
        corpus = read_sentences(run.config.data, run.config.seed)
    except TfkdError as e:
        raise InputError(f"{path}: its data can't be read again: {e}; call this where the run was started") from e
    if digest(corpus.dev) != summary.data_sha256["dev"]:
        raise InputError(
            f"{path}: --data={run.config.data.data} no longer gives the dev rows that the run was made with"
        )
    teacher = load_finetuned(run.teacher).teacher if run.has_teacher else None
    predictions = DevPredictions(
        None if teacher is None else teacher_probabilities(teacher, corpus.dev),
        LiteRtClassifier.from_file(run.exported()).predict(*corpus.dev.columns),
    )
    return write_reports(run, corpus, predictions)


def compare_runs(paths: Sequence[str | Path], out: str | Path) -> None:
    """Writes a page that shows finished runs side by side.

    Args:
      paths: their folders, two or more.
      out: the page.

    Raises:
      UsageError: a folder is named twice.
      InputError: a folder is no finished run, they have different labels, or there is no folder for `out`.
    """
    out, folders = Path(out), [Path(path) for path in paths]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("a run is named twice: name each once")
    if out.is_dir() or not out.parent.is_dir():
        why = "is a folder" if out.is_dir() else f"there is no folder {out.parent}"
        raise InputError(f"--out={out}: {why}; expected the name of a file in a folder that exists")
    runs = [open_run(folder) for folder in folders]
    names = [run.path.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    summaries = [summary_of(run, name) for run, name in zip(runs, names, strict=True)]
    for folder, summary in zip(folders[1:], summaries[1:], strict=True):
        if set(summary.label_names) != set(summaries[0].label_names):
            raise InputError(
                f"{folder}: classifies into {', '.join(summary.label_names)}; {folders[0]} into "
                f"{', '.join(summaries[0].label_names)}: runs of one task can be compared"
            )
    if len({summary.data_sha256["dev"] for summary in summaries}) > 1:
        say("report: these runs were measured on different dev sets; the page says which")
    write_text(out, comparison_page(summaries))
