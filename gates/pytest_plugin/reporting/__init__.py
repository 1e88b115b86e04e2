"""Results of tests, in records and at the terminal."""
