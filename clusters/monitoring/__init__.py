"""What clusters do and use, in numbers and lines: recorded as compact time series, kept for a while, shown."""
