"""Movie-review sentences in natural English, of the VADER paper's data (Hutto and Gilbert, ICWSM 2014)."""

from __future__ import annotations

import html
from pathlib import Path

from tfkd.errors import InputError
from tfkd.files import write_text
from tfkd.text.split import cut_dev

LABEL_NAMES = ("negative", "positive")
DEV_ROWS = 2000
# Ratings are means of twenty raters, from -4 to 4; near 0 they were of two minds.
UNDECIDED_RATING = 0.5
# Fixed, whatever the seed of a run: figures on dev are compared across runs.
_SPLIT_SEED = 0


def write_movie_reviews(source: Path, folder: Path) -> None:
    """Writes train.tsv and dev.tsv (columns text and label) from the paper's file.

    A sentence is positive or negative by the sign of its rating; those with
    abs(rating) <= UNDECIDED_RATING are left out. DEV_ROWS of them, stratified, go
    to dev; equal sentences stay on one side. Order is the source's.

    Args:
      source: movieReviewSnippets_GroundTruth.txt: no header, lines of id, mean
        rating and text, tab-separated. It is UTF-8 (its README says nothing); it
        writes '' for a double quote and &amp; for &, which is undone here.
      folder: where the two files go.

    Raises:
      InputError: the source isn't such a file.
    """
    texts, labels = [], []
    for number, line in enumerate(source.read_bytes().split(b"\n"), start=1):
        if not line:
            continue
        try:
            _, rating_text, text = line.decode("utf-8").split("\t")
            rating = float(rating_text)
        except ValueError as e:
            raise InputError(f"{source}: line {number}: expected id, rating and text, tab-separated: {e}") from e
        if abs(rating) > UNDECIDED_RATING:
            texts.append(" ".join(html.unescape(text).replace("''", '"').split()))
            labels.append(int(rating > 0))
    for name, rows in zip(("train", "dev"), cut_dev(texts, labels, DEV_ROWS, _SPLIT_SEED), strict=True):
        lines = [f"{texts[row]}\t{LABEL_NAMES[labels[row]]}\n" for row in rows]
        write_text(folder / f"{name}.tsv", "text\tlabel\n" + "".join(lines))
