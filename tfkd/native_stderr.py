"""What C++ libraries write to stderr past Python: greetings that no flag of theirs turns off."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silenced() -> Iterator[None]:
    """Drops what is written to file descriptor 2 meanwhile; exceptions tell what went wrong."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@functools.cache
def silence_at_exit() -> None:
    """Drops what libraries write to file descriptor 2 once Python has ended: how they take themselves down."""
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


def import_tensorflow() -> None:
    """Imports TensorFlow and keras-hub, and looks for devices, without their greetings."""
    with silenced():
        import keras_hub  # noqa: F401
        import tensorflow as tf

        tf.config.list_logical_devices()
    # It warns of each model of ours that is loaded anew as if one had been traced again.
    tf.get_logger().setLevel("ERROR")
