"""What became of each test, in records and at the terminal."""
