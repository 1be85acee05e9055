"""The store of augmented, teacher-labelled sentences, and what fills it."""
