"""The node agent: keeps one machine's node processes as the console wants them, keyed by generation."""
