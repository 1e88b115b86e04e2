"""Decide which tests of a session run, in what order, and record what was left out."""
