"""Teacher, student, losses and the distiller: Keras only, no files of ours, no flags."""
