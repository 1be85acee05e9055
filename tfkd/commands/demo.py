"""Shows a student on a page of this machine, where it classifies in the browser what is typed.

tfkd demo runs/quickstart
tfkd demo student.tflite --teacher=runs/quickstart/teacher --port=0

The page is at the address that is printed, for this machine's browsers alone; Ctrl-C ends it. Of a run's folder its
teacher can be asked too, which takes some seconds to load; the page of runs/NAME/export/student.tflite starts at once.
MediaPipe's part for browsers (6.7 MB) is fetched by npm the first time.
"""

from __future__ import annotations

import contextlib

from absl import flags

from tfkd.commands.flags import FLAGS
from tfkd.commands.run_models import exported_of, teacher_in, teacher_of
from tfkd.errors import UsageError


def define_flags() -> None:
    flags.DEFINE_string("teacher", "", "folder of the teacher to compare with, that tfkd finetune wrote, or a run's")
    flags.DEFINE_string("examples", "", "file of texts to click on, one a line")
    flags.DEFINE_integer(
        "port", 7380, "port of 127.0.0.1 where the page is; 0: any that is free", lower_bound=0, upper_bound=65535
    )
    flags.DEFINE_bool("open", False, "open the page in the browser")


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError(f"{len(arguments)} models: name one, a .tflite file or a run's folder")
    exported_of(arguments[0])  # which refuses a run that has none yet
    from tfkd.demo.demo import open_demo

    teacher = teacher_of(FLAGS.teacher) or teacher_in(arguments[0])
    with open_demo(arguments[0], teacher, FLAGS.examples, FLAGS.port) as server:
        print(f"{arguments[0]}: {server.address} (Ctrl-C ends it)", flush=True)
        if FLAGS.open:
            import webbrowser

            webbrowser.open(server.address)
        with contextlib.suppress(KeyboardInterrupt):  # which is how it is told to end
            server.serve_forever()
