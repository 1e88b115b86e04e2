"""What a run leaves: recorded where gates and tests do not write, published in the folder of reports, checked when it is read."""
