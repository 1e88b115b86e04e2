"""Sessions: how the tokens of one lie in memory, which ones are kept, and which ones go when room is needed."""
