"""The whole road in one run folder, gone on with after any interruption."""
