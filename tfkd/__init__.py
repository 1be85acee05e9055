"""Distil a BERT text classifier into a BiLSTM that runs on a phone."""

import os

__version__ = "0.1.0"

# TensorFlow reads these when it is first imported. Its oneDNN kernels are off by
# default on some processors; with them a fine-tuning step took two thirds of the time.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# On two cores students train nearly twice as fast so, and teachers no slower. More cores were not tried.
if os.cpu_count() == 2:
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")
