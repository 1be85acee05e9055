"""The errors that a user can mend. Commands print them as one line, without a traceback."""


class TfkdError(Exception):
    """Something a user can mend: the message names what, where, and what to do.

    `exit_status` is what the command ends with.
    """

    exit_status = 1


class UsageError(TfkdError):
    """A flag, or a combination of flags, that can't be taken."""

    exit_status = 2


class InputError(TfkdError):
    """A file, row, model or asset that can't be used as it is."""


class OutputError(InputError):
    """A file or folder that can't be written."""
