"""The inference worker: its own process, free of Django, that loads models and embeds in batches."""
