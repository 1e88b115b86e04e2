"""JUnit XML: write ours, read any runner's."""
