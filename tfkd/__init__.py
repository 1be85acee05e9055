"""Distil a BERT text classifier into a BiLSTM that runs on a phone."""

__version__ = "0.1.0"
