"""Which tests of a session run, in what order, and what was left out."""
