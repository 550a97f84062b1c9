"""The adapter to the engine's Python binding (beta, pinned exactly): nothing outside knows its types."""
