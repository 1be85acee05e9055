"""`report.html` and `model_card.md` of runs written out by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import binomtest

from tests.report.made_runs import made_figures, made_metrics, made_summary, measured, without_teacher
from tests.report.pages import Page, assert_stands_alone
from tfkd.report.metrics import ReliabilityBin
from tfkd.report.model_card import command_of, model_card
from tfkd.report.page import report_page
from tfkd.report.rendering import milliseconds, unbroken, with_whole_flags

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)"> & "good" \'film\''


def test_the_answer_comes_first():
    page = assert_stands_alone(report_page(made_figures()))
    answer = page.text.partition("The models side by side")[0]
    assert "A classifier of 2.35 MB that gives 87.45 % of 2,000 dev sentences the right label" in answer
    assert "97.2 % of its teacher’s accuracy, 7.5 points more than it would without distillation" in answer
    assert "2.5 points of the teacher’s accuracy, another label than the teacher’s for 0.1 % of the sentences" in answer
    assert "38.8 × smaller" in answer
    assert "27.0 × faster" in answer
    assert "0.46 ms a sentence" in answer
    # 1,749 of 2,000: scipy's Wilson interval.
    low, high = binomtest(1749, 2000).proportion_ci(method="wilson")
    assert f"87.45 % on them is compatible with {100 * low:.1f} to {100 * high:.1f} % of all sentences" in answer
    assert "too few to tell whether student or teacher is the more accurate" in answer


def test_what_was_measured_is_there():
    # The student says yes to the texts with "good", the first and the third; the teacher to the first and the last.
    page = assert_stands_alone(report_page(made_figures()))
    assert "On 2 of 4 dev sentences" in page.text
    assert "The teacher is right on 2 of them, the student on 0" in page.text
    # All log-odds are 1: 0.731. Three of four would have to be right; two are.
    assert "23.1 points for the student (.tflite)" in page.text
    # "indeed", "what" and "or" are unknown: 3 + 1 + 1 of 16 words; all four texts have more than three.
    assert "5 of 16 words (31.25 %)" in page.text
    assert "4 of 4 dev sentences (100.00 %) have more than the 3 words" in page.text
    marks = page.named("mark")
    assert {mark.get("title") for mark in marks} >= {"+2.00"}
    assert "tfkd run --name=mine --data=my.csv --epochs=2" in page.text
    assert "tfkd 0.1.0" in page.text
    for digest in ("a" * 64, "b" * 64, "c" * 64):
        assert digest in page.text


def test_probabilities_that_are_far_off():
    figures = made_figures()
    # All are sure by 73.1 %; half of them are right.
    assert figures.exported.misjudges_itself == "too high"
    page = assert_stands_alone(report_page(figures))
    assert "Don’t take the file’s probabilities at their word: on dev they are too high by far." in page.text
    assert "They are too high by far and not to be taken at their word; more epochs of the teacher" in model_card(
        figures
    )
    modest = replace(figures.exported, reliability=(ReliabilityBin(0.48, 1.0, 61),), calibration_error=0.52)
    assert modest.misjudges_itself == "too low"
    near = replace(figures, exported=replace(modest, calibration_error=0.1))
    assert "at their word" not in report_page(near) + model_card(near)


def test_a_length_that_would_do_better():
    page = assert_stands_alone(report_page(made_figures()))
    assert "Hint: 4 of 4 dev sentences have more than 3 words: --max_tokens=8 would read nearly all" in page.text
    assert "Hint" not in report_page(replace(made_figures(), length_hint=""))


def test_what_a_smaller_vocabulary_cost():
    figures = made_figures()
    text = assert_stands_alone(report_page(figures)).text
    kept = "30,000 of the 34,932 words that it began with are kept"
    assert f"{kept}: of dev 87.45 % was right with all of them, 86.00 % at once without the others, 87.50 %" in text

    def text_of(**changes: Any) -> str:
        pruning = replace(figures.summary.pruning, **changes)
        return assert_stands_alone(
            report_page(replace(figures, summary=replace(figures.summary, pruning=pruning)))
        ).text

    assert f"{kept}." in text_of(before=None, after=None)
    assert "Cut down" not in text_of(kept=34_932)


def test_cards_and_table_compare_the_same_files():
    teacher, student = measured("teacher.tflite", 9_000_000, 2000.0), measured("student.tflite", 3_000_000, 250.0)
    run = made_summary(benchmark=(teacher, student), file_sha256=student.sha256)
    answer, _, after = assert_stands_alone(report_page(made_figures(run))).text.partition("The models side by side")
    assert "3.0 × smaller 3.00 MB than the teacher as .tflite with int8 weights: 9.00 MB" in answer
    assert "8.0 × faster 0.25 ms a sentence than that teacher, 2.00 ms: both in LiteRT’s Interpreter" in answer
    assert "size 9.00 MB 3.00 MB (3.0x less) Interpreter, median 2,000.0 us 250.0 us (8.0x less)" in after
    assert "before the file was made anew" not in after


def test_a_student_that_costs_more_is_said_to():
    teacher, student = measured("teacher.tflite", 3_000_000, 250.0), measured("student.tflite", 9_000_000, 300.0)
    run = made_summary(benchmark=(teacher, student), file_sha256=student.sha256)
    text = assert_stands_alone(report_page(made_figures(run))).text
    assert "3.0 × larger 9.00 MB than the teacher as .tflite" in text
    assert "1.2 × slower 0.30 ms a sentence than that teacher" in text


def test_files_that_were_measured_on_other_texts_have_no_place_against_accuracy():
    student = replace(measured("student.tflite", 3_000_000, 250.0), accuracy=None)
    run = made_summary(benchmark=(student,), file_sha256=student.sha256)
    page = assert_stands_alone(report_page(made_figures(run)))
    (against_size,) = (svg for svg in page.named("svg") if "against size" in (svg["aria-label"] or ""))
    assert "student (.tflite): 87.45 % at 2.35 MB" in (against_size["aria-label"] or "")
    assert "size 3.00 MB" in page.text


def test_more_files_than_there_are_looks():
    student = measured("student.tflite", 3_000_000, 250.0)
    others = [measured(f"{i}.tflite", 3_000_001 + i, 250.0) for i in range(20)]
    run = made_summary(benchmark=(student, *others), file_sha256=student.sha256)
    assert "19.tflite" in assert_stands_alone(report_page(made_figures(run))).text


def test_figures_of_a_file_that_was_made_anew():
    run = made_summary(benchmark=(measured("teacher.tflite", 9_000_000, 2000.0),), outdated=("student.tflite",))
    page = assert_stands_alone(report_page(made_figures(run)))
    assert "benchmark.json has student.tflite as measured before the file was made anew" in page.text
    assert "38.8 × smaller" in page.text
    assert "size 9.00 MB" in page.text
    (against_size,) = (svg for svg in page.named("svg") if "against size" in (svg["aria-label"] or ""))
    assert "student (.tflite): 87.45 % at 2.35 MB" in (against_size["aria-label"] or "")


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("teacher", [True, False])
def test_every_kind_of_run(pairs, teacher):
    summary = made_summary() if teacher else without_teacher(made_summary())
    figures = made_figures(summary, pairs)
    page = assert_stands_alone(report_page(figures))
    assert ("Where student and teacher disagree" in page.text) == teacher
    assert ("disagree" in model_card(figures)) is False
    assert ("another label than its teacher" in model_card(figures)) == teacher
    assert ("hard labels alone" in page.text.partition("The models side by side")[0]) == teacher
    assert f"2,000 dev {'pairs' if pairs else 'sentences'}" in page.text


def test_several_seeds_and_three_labels():
    metrics = made_metrics() | {"label_names": ["no", "yes", "perhaps"]}
    metrics["seeds"] = [{**metrics["seeds"][0], "seed": seed} for seed in (1, 7)]
    metrics["mean"] = {f"{group}.dev_accuracy": 0.85 for group in ("student", "export", "baseline")}
    metrics["std"] = dict.fromkeys(metrics["mean"], 0.0123)
    # The classifier here knows two labels; a third has no column.
    figures = made_figures()
    assert figures.teacher is not None
    three = [[1, 0, 2], [0, 3, 0], [1, 1, 1]]
    figures = replace(
        figures,
        summary=made_summary(metrics=metrics),
        exported=replace(figures.exported, confusion=three),
        teacher=replace(figures.teacher, confusion=three),
    )
    page = assert_stands_alone(report_page(figures))
    assert "85.00 % (± 1.23)" in page.text
    assert "seeds 1, 7" in page.text
    assert len([td for td in page.named("td") if td.get("class") == "right"]) == 6
    assert "means over 2 students (seeds 1, 7)" in model_card(figures)


def test_markup_in_texts_labels_and_names_is_text():
    metrics = made_metrics() | {"label_names": ["no", "<b>yes"]}
    summary = made_summary(
        name="<i>$x_1$", metrics=metrics, flags={"data": EVIL, "teacher": "t"}, changed_flags={"data": EVIL}
    )
    figures = made_figures(summary, texts=[f"{EVIL} {i}" for i in range(4)])
    figures = replace(figures, notes=(EVIL,), coverage=replace(figures.coverage, most_unknown=((EVIL, 2),)))
    html = report_page(figures)
    page = assert_stands_alone(html)
    assert "<script>" not in html
    assert not {"b", "i"} & {tag for tag, _ in page.tags}
    assert page.text.count("<script>alert(1)</script>") > 4
    assert "<b>yes" in page.text
    prose = "\n".join(line for line in model_card(figures).splitlines() if not line.startswith("    "))
    assert "&lt;script>" in prose
    assert not re.search(r"<(script|img|b|i)\b", prose)


def test_model_card():
    card = model_card(made_figures())
    sections = [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]
    assert sections == [
        "Model details", "Intended use", "Training data", "Metrics", "Limitations measured here", "How to reproduce",
    ]  # fmt: skip
    assert "`student.tflite`, 2.35 MB" in card
    assert "| student (.tflite)      | 87.45 % " in card
    assert "keeps 97.2 % of the teacher's accuracy" in card
    assert "learns 7.5 points less of hard labels alone" in card
    assert "| no  | 1  | 1   |\n| yes | 1  | 1   |" in card
    assert "31.25 % of dev's words are unknown" in card
    assert "    tfkd run --name=mine --data=my.csv --epochs=2\n" in card
    assert "It took 27 min 42 s. Versions: keras 3.15.0, tfkd 0.1.0." in card
    assert "{{" not in card
    assert "\n\n\n" not in card


def test_the_command_can_be_pasted():
    summary = made_summary(name="my run", changed_flags={"data": "a b.csv", "labels": "no,$HOME"})
    assert command_of(summary) == "tfkd run '--name=my run' '--data=a b.csv' '--labels=no,$HOME'"


def test_versions_that_were_not_recorded():
    assert "not recorded" in Page(report_page(made_figures(made_summary(libraries={})))).text


def test_times_as_people_read_them():
    assert [milliseconds(us) for us in (None, 456.4, 1202.7, 12788)] == ["-", "0.46 ms", "1.20 ms", "12.8 ms"]


def test_where_all_are_right():
    texts = ["a good film indeed", "a bad film indeed", "good or bad film", "what good films indeed"]
    metrics = made_metrics() | {"rows": {"train": 551, "dev": 61, "transfer_set": 7595}}
    for model in ("teacher", "student", "baseline", "export"):
        metrics[model] = {**metrics[model], "dev_accuracy": 1.0}
    run = made_summary(metrics=metrics)
    figures = made_figures(run, texts=texts)
    assert figures.disagreements is not None
    figures = replace(figures, disagreements=replace(figures.disagreements, rows=0, teacher_right=0, student_right=0))
    page = assert_stands_alone(report_page(figures))
    answer = page.text.partition("The models side by side")[0]
    assert "100.0 % of its teacher’s accuracy, as much as it would without distillation" in answer
    assert "No accuracy, no label other than the teacher’s, and 27 min 42 s of work" in answer
    assert "No gain over hard labels alone 100.00 % is what the same student learns without a teacher too" in answer
    # Of 61 right of 61 the Wilson interval begins at n / (n + z squared) = 61 / 64.84.
    assert "100.00 % on them is compatible with 94.1 to 100.0 % of all sentences like them" in answer
    assert "too few to tell whether student or teacher is the more accurate" in answer
    assert "Nowhere on dev: the .tflite file gives every one of the sentences its true label" in page.text
    assert "Nowhere: the .tflite file gives each of the 4 dev sentences the teacher’s label" in page.text
    card = model_card(figures)
    assert "The same student learns as much of hard labels alone" in card
    assert "100.00 % on 61 dev sentences is compatible with 94.1 to 100.0 % of all sentences" in card
    assert "too few to tell whether it or its teacher" in card


def test_what_stays_in_one_line():
    """Numbers with their units, flags, and the arguments of a command, which breaks before them alone."""
    assert unbroken("8.7 % (± 1.23), 6.96 MB (3.4x less), 3 h 20 min") == (
        "8.7\u00a0% (±\u00a01.23), 6.96\u00a0MB (3.4x\u00a0less), 3\u00a0h 20\u00a0min"
    )
    assert with_whole_flags("--p_ng=0.9 & <b>") == '<span class="whole">--p_ng=0.9</span> &amp; &lt;b&gt;'
    run = made_summary(changed_flags={"data": "5 min.csv", "p_ng": "0.9"}, flags={"data": "5 min.csv", "teacher": "t"})
    html = report_page(made_figures(run))
    command = "tfkd run <span>--name=mine</span> <span>&#39;--data=5 min.csv&#39;</span> <span>--p_ng=0.9</span></pre>"
    assert command in html
    assert '<td role="cell">5 min.csv</td>' in html
    assert "2.35\u00a0MB" in html
    assert "97.2&nbsp;%" in html
