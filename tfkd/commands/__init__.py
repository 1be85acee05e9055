"""One absl command a file: flags -> config -> one call."""
