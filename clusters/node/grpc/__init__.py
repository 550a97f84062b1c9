"""The node's gRPC API: Qdrant's methods over the same operation table as REST."""
