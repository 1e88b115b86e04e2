"""What the README shows: its picture, its commands, and no number that nobody measured."""
