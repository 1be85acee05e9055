"""Times and start-up of models: what is run is what the interpreter runs, in turn."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import Count
from tests.export.conftest import TEXTS
from tfkd.benchmark.host import RUNNERS, start_up, timings_us
from tfkd.benchmark.inputs import full_inputs, input_ranges, text_inputs
from tfkd.errors import InputError
from tfkd.export.litert_classifier import LiteRtClassifier


def test_calls_take_turns_over_their_arguments():
    seen = []
    times = timings_us(
        [lambda *row: seen.append(("a", *row)), lambda *row: seen.append(("b", *row))],
        [[(1,), (2,)], [("x", "y")]],
        rounds=12,
        progress=(count := Count()),
    )
    assert count.n == 12
    assert times.shape == (12, 2)
    assert (times > 0).all()
    # Ten in a row and two more, each after one that isn't timed.
    first, second = ("a", 1), ("a", 2)
    ten, two = [first, *[first, second] * 5], [first, first, second]
    other = ("b", "x", "y")
    assert seen == [*ten, *[other] * 11, *two, *[other] * 3]


def test_a_slower_call_takes_longer():
    fast, slow = np.median(timings_us([lambda: sum(range(10)), lambda: sum(range(100_000))], [(), ()], 20), axis=0)
    assert slow > 10 * fast


@pytest.mark.parametrize("runtime", RUNNERS)
@pytest.mark.parametrize("of", ["exported", "piece_export", "pair_export"])
def test_runners_give_what_the_classifier_gives(runtime, of, request):
    path = request.getfixturevalue(of).path
    classifier = LiteRtClassifier.from_file(path)
    columns = (TEXTS.texts[:20], TEXTS.texts[20:40])[: 1 + classifier.pairs]
    run = RUNNERS[runtime](path)
    found = np.concatenate([run(*row) for row in zip(*text_inputs(path, classifier.tokenizer, columns), strict=True)])
    np.testing.assert_allclose(found, classifier.predict(*columns), atol=1e-6)


def test_start_up(exported):
    tokenizer = LiteRtClassifier.from_file(exported.path).tokenizer
    start = start_up(exported.path, full_inputs(exported.path, tokenizer, rows=1), processes=2)
    assert start is not None
    assert 0 < start.first_result_ms < 10_000
    assert exported.size_bytes / 1e6 / 2 < start.peak_memory_mb < 500


def test_no_start_up_without_linux(exported, monkeypatch, tmp_path):
    monkeypatch.setattr("tfkd.benchmark.host._FORGETS_PEAK", tmp_path / "proc")
    assert start_up(exported.path, []) is None


def test_full_inputs_are_as_long_as_the_model_reads(exported, piece_export):
    for path, like_bert in ((exported.path, False), (piece_export.path, True)):
        classifier = LiteRtClassifier.from_file(path)
        ids, *others = full_inputs(path, classifier.tokenizer, rows=3)
        assert ids.shape == (3, 1, classifier.max_tokens + 2 * like_bert)
        assert ids.min() > 0
        assert ids.max() < len(classifier.tokenizer.vocabulary)
        assert [sorted(set(other.ravel().tolist())) for other in others] == ([[1], [0]] if like_bert else [])


def test_ranges_to_fill_inputs_with(exported, piece_export):
    words, pieces = (LiteRtClassifier.from_file(path).tokenizer for path in (exported.path, piece_export.path))
    last = len(words.vocabulary) - 1
    assert input_ranges(exported.path, words) == {"token_ids": ((1, 12), 1, last)}
    ranges = input_ranges(piece_export.path, pieces)
    assert ranges["ids"] == ((1, 14), 1, len(pieces.vocabulary) - 1)
    assert (ranges["mask"], ranges["segment_ids"]) == (((1, 14), 1, 1), ((1, 14), 0, 0))


def test_inputs_that_do_not_fit(exported, piece_export, pair_export, tmp_path):
    words = LiteRtClassifier.from_file(exported.path).tokenizer
    with pytest.raises(InputError, match=r"takes word pieces; the vocabulary is one of words"):
        text_inputs(piece_export.path, words, [["a"]])
    with pytest.raises(InputError, match=r"takes token_ids \[1, 12\], pair_token_ids \[1, 12\]; expected .* 1 texts"):
        text_inputs(pair_export.path, words, [["a"]])
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(exported.path.read_bytes()[:300])
    for runner in RUNNERS.values():
        with pytest.raises(InputError, match=r"broken\.tflite"):
            runner(broken)
    with pytest.raises(InputError, match=r"broken\.tflite: can't be run"):
        start_up(broken, [np.ones((1, 1, 12), np.int32)], processes=1)
    with pytest.raises(InputError, match=r"broken\.tflite: is damaged"):
        text_inputs(broken, words, [["a"]])
