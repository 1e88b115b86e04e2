"""What runs, in what order, and why something does not run: config and project → plan."""
