"""Table and report, written out by hand."""

from __future__ import annotations

import re

from tests.report.made_runs import made_metrics
from tfkd.report.markdown import markdown_table, report, results_table
from tfkd.report.tables import figure_rows


def test_table():
    assert results_table(made_metrics()) == (
        "|                        | dev accuracy | agrees with     | size    | inference |\n"
        "|------------------------|--------------|-----------------|---------|-----------|\n"
        "| teacher (BERT)         | 90.00 %      |                 |         | 12,346 us |\n"
        "| baseline (hard labels) | 80.00 %      |                 |         |           |\n"
        "| student (Keras)        | 87.50 %      | teacher 95.00 % |         |           |\n"
        "| student (.tflite)      | 87.45 %      | Keras 99.95 %   | 2.35 MB | 456 us    |"
    )


def test_table_without_a_teacher():
    metrics = made_metrics()
    metrics["teacher"]["dev_accuracy"] = metrics["student"]["teacher_agreement"] = None
    metrics["latency"]["teacher_us"] = None
    lines = results_table(metrics).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")] == ["", "teacher (BERT)", "-", "", "", "-", ""]
    assert [cell.strip() for cell in lines[4].split("|")] == ["", "student (Keras)", "87.50 %", "", "", "", ""]
    assert len({len(line) for line in lines}) == 1


def test_table_of_several_seeds():
    metrics = made_metrics()
    metrics["seeds"] = [{"seed": 1}, {"seed": 2}]
    names = ("baseline", "student", "export")
    metrics["mean"] = {f"{name}.dev_accuracy": mean for name, mean in zip(names, (0.81, 0.87, 0.868), strict=True)}
    metrics["mean"] |= {"student.teacher_agreement": 0.91, "export.student_agreement": 0.9987}
    metrics["std"] = {f"{name}.dev_accuracy": 0.0025 for name in names}
    lines = results_table(metrics).splitlines()
    assert "90.00 % " in lines[2]
    assert "81.00 % (± 0.25)" in lines[3]
    assert "87.00 % (± 0.25) | teacher 91.00 %" in lines[4]
    assert "86.80 % (± 0.25) | Keras 99.87 %" in lines[5]
    text = report("mine", metrics, [], {}, "pairs")
    assert "Train 7,821 pairs, dev 2,000, transfer set 54,321. 3 dev pairs are longer" in text
    assert "Accuracies of students are means over 2 seeds (± standard deviation)." in text


def test_report():
    seconds = {"teacher": 419.6, "export-student": 9.2}
    text = report("mine", made_metrics(), ["first note", "second note"], seconds, "sentences")
    before, table_and_after = text.split("\n\n", 1)
    assert before == "# mine"
    table, after = table_and_after.split("\n\n", 1)
    assert table == results_table(made_metrics())
    assert after == (
        "Train 7,821 sentences, dev 2,000, transfer set 54,321. 3 dev sentences are longer than the file reads.\n"
        "\n"
        "## On dev\n"
        "\n"
        "|                        | accuracy | macro F1 | Matthews' correlation | calibration error | cross-entropy |\n"
        "|------------------------|----------|----------|-----------------------|-------------------|---------------|\n"
        "| teacher (BERT)         | 0.9000   | 0.5000   | -0.2500               | 0.0123            | 0.3000        |\n"
        "| baseline (hard labels) | 0.8000   | 0.5000   | -0.2500               | 0.0123            | 0.3000        |\n"
        "| student (Keras)        | 0.8750   | 0.5000   | -0.2500               | 0.0123            | 0.3000        |\n"
        "| student (.tflite)      | 0.8745   | 0.5000   | -0.2500               | 0.0123            | 0.3000        |\n"
        "\n"
        "Rows by true label (line) and the label that the `.tflite` file gives (column):\n"
        "\n"
        "|     | no    | yes   |\n"
        "|-----|-------|-------|\n"
        "| no  | 990   | 10    |\n"
        "| yes | 1,241 | 1,000 |\n"
        "\n"
        "## Data\n"
        "\n"
        "- first note\n"
        "- second note\n"
        "\n"
        "## Time\n"
        "\n"
        "- teacher: 7 min 0 s\n"
        "- export-student: 9 s\n"
    )


def test_report_lets_no_html_through():
    """Names of labels and what is said of the data come from outside."""
    metrics = {**made_metrics(), "label_names": ["<spam>", "ham"]}
    text = report("<b>mine", metrics, ["the first: '<script>'"], {"teacher": 1.0}, "sentences")
    assert "<" not in text
    assert {"&lt;b>mine", "&lt;spam>", "&lt;script>"} <= set(re.findall(r"&lt;[\w>]+", text))


def test_a_figure_that_some_models_have_is_a_column():
    """F1 of two labels, here; of three no model has it."""
    metrics = made_metrics()
    metrics["export"]["dev_f1"] = 0.75
    header, teacher, *_, export = figure_rows(metrics)
    assert (header[2], teacher[2], export[2]) == ("F1", "-", "0.7500")


def test_a_cell_cannot_end_itself():
    assert markdown_table([("a|b", "c"), ("d", "|")]) == (
        "| a\\|b | c  |\n"
        "|------|----|\n"
        "| d    | \\| |"
    )  # fmt: skip
