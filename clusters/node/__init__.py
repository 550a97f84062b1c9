"""The embedded node: a Qdrant-compatible server for one cluster over Qdrant's own engine. Imports no Django."""
