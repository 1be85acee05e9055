"""Metrics, and how they are shown."""
