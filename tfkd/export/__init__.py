"""A Keras student in, a checked `.tflite` out."""
