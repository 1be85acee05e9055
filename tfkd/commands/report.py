"""Writes the report of a run anew, or one page that compares several.

    tfkd report runs/mine
    tfkd report runs/mine runs/other --out=comparison.html

`tfkd run` writes report.html, model_card.md and report.md by itself when it ends.
"""

from __future__ import annotations

from absl import flags

from tfkd.commands.flags import FLAGS
from tfkd.errors import UsageError
from tfkd.native_stderr import import_tensorflow

_DEFAULT_OUT = "comparison.html"


def define_flags() -> None:
    flags.DEFINE_string("out", "", f"page of the comparison of several runs; default: {_DEFAULT_OUT}")


def main(arguments: list[str]) -> None:
    if not arguments:
        raise UsageError("name the folder of a run, or of several to compare")
    if len(arguments) == 1 and FLAGS.out:
        raise UsageError(f"--out={FLAGS.out}: is for several runs; the report of one is written into its folder")
    import_tensorflow()
    from tfkd.pipeline.reporting import compare_runs, report_run

    if len(arguments) == 1:
        print(report_run(arguments[0]))
    else:
        out = FLAGS.out or _DEFAULT_OUT
        compare_runs(arguments, out)
        print(out)
