"""Values to text: what a run found, for people."""
