"""Carrying out operations: claim a row, run its named steps, write down what runs now."""
