"""Several teachers as one: the mean of their logits, by hand."""

import numpy as np

from tests.conftest import Count, random_teacher
from tfkd.models.int8_teacher import Int8Teacher
from tfkd.models.teacher_ensemble import TeacherEnsemble

TEXTS = ["the film is good", "bad", "", "so very dull a plot , it was"]


def test_logits_are_the_mean_of_the_members(small_bert):
    members = [random_teacher(small_bert, 3, seed) for seed in (0, 1, 2)]
    ensemble = TeacherEnsemble(members)
    pieces = ensemble.encode(TEXTS)
    a, b, c = (member.logits(member.encode(TEXTS)) for member in members)
    found = ensemble.logits(pieces)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (a + b + c) / 3, atol=1e-6)
    assert np.abs(found - a).max() > 1e-3


def test_one_alone_says_what_it_says(small_bert):
    teacher = random_teacher(small_bert, 2, seed=0)
    pieces = teacher.encode(TEXTS)
    np.testing.assert_array_equal(TeacherEnsemble([teacher]).logits(pieces), teacher.logits(pieces))


def test_progress_counts_each_text_once(small_bert):
    teacher = random_teacher(small_bert, 2, seed=0)
    for members in ([teacher, teacher], [Int8Teacher(teacher)] * 3):
        count = Count()
        ensemble = TeacherEnsemble(members)
        ensemble.logits(ensemble.encode(TEXTS), progress=count)
        assert count.n == len(TEXTS)
