"""From what callers send as an image to the picture a model sees, trusting nothing about it."""
