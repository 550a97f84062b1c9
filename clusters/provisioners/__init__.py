"""How a cluster's processes come to be: one class per kind of place a cluster can run in."""
