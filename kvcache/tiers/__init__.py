"""A second tier: where sessions go that have no room in memory, and come back from."""
