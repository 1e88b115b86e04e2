"""Tries mutants: faults that the runner chose are planted in forked processes, and the tests that reach them run there."""
