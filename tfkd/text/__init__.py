"""Sentences, their words, and the batches made of them."""
