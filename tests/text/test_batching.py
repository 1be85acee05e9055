"""Batches of like length: every row once, in an order that the seed fixes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.text.batching import shuffled_batches, sorted_batches

many_lengths = st.lists(st.integers(0, 50), max_size=300).map(np.array)


@given(lengths=many_lengths, batch_size=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_row_is_in_one_batch_and_one_batch_alone_is_smaller(lengths, batch_size, seed):
    for batches in (
        shuffled_batches(lengths, batch_size, np.random.default_rng(seed)),
        list(sorted_batches(lengths, batch_size)),
    ):
        assert sorted(np.concatenate([[], *batches])) == list(range(len(lengths)))
        sizes = sorted(map(len, batches), reverse=True)
        full, rest = divmod(len(lengths), batch_size)
        assert sizes == [batch_size] * full + [rest] * (rest > 0)


@given(lengths=many_lengths, batch_size=st.integers(5, 40), seed=st.integers(0, 9))
def test_batches_of_one_window_do_not_overlap_in_length(lengths, batch_size, seed):
    # 300 rows lie within one window of 64 batches.
    batches = shuffled_batches(lengths, batch_size, np.random.default_rng(seed))
    ranges = sorted((lengths[b].min(), lengths[b].max()) for b in batches)
    assert all(high <= low for (_, high), (low, _) in itertools.pairwise(ranges))


@given(lengths=many_lengths, batch_size=st.integers(1, 40))
def test_inference_goes_from_the_shortest_to_the_longest(lengths, batch_size):
    order = np.concatenate([[], *sorted_batches(lengths, batch_size)]).astype(int)
    assert lengths[order].tolist() == sorted(lengths.tolist())


@given(lengths=many_lengths, batch_size=st.integers(1, 40))
def test_progress_counts_a_row_by_its_length_and_all_rows_as_many_as_they_are(lengths, batch_size):
    counted = []

    class Progress:
        def update(self, n):
            counted.append(n)

    batches = list(sorted_batches(lengths, batch_size, Progress()))
    assert len(counted) == len(batches)
    assert sum(counted) == pytest.approx(len(lengths))
    if lengths.any():
        shares = np.array([lengths[rows].sum() for rows in batches]) / lengths.sum()
        assert counted == pytest.approx(shares * len(lengths))


def test_little_is_padding_where_rows_are_many():
    lengths = np.random.default_rng(0).integers(1, 65, 10_000)
    batches = shuffled_batches(lengths, 32, np.random.default_rng(1))
    padded = sum(lengths[b].max() * len(b) for b in batches)
    # A window has 64 batches of 64 lengths: a batch spans about two of them, where a random one is padded to some 63.
    assert padded / lengths.sum() < 1.06


def test_epochs_differ_and_a_seed_fixes_each():
    lengths = np.random.default_rng(0).integers(1, 30, 500)
    first, again, other = (
        [b.tolist() for b in shuffled_batches(lengths, 8, np.random.default_rng([3, epoch]))] for epoch in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_short_batches_do_not_come_first():
    """Lengths of successive batches are shuffled: a training must not go from short to long."""
    lengths = np.arange(640)
    means = [lengths[b].mean() for b in shuffled_batches(lengths, 10, np.random.default_rng(0))]
    # Of 64 batches in random order; 0.4 is more than three standard deviations of the rank correlation, 1 / sqrt(63).
    assert abs(np.corrcoef(means, np.arange(64))[0, 1]) < 0.4
