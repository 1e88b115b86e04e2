"""The output of a run: recorded where gates and tests do not write, published in the reports folder, checked when read."""
