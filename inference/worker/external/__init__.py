"""Models that others run: texts go to the provider's HTTP API with the caller's own key, vectors come back."""
