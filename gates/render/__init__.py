"""Values to text: render the results of a run for people."""
