"""Models and data put together: fine-tuning, distilling, checkpoints."""
