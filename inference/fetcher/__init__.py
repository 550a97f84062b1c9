"""Fetches images from addresses that strangers name: a process of its own, with few rights and nothing to give away."""
