"""Draw pictures of runs and of the history: one file per picture, each from values to a drawing. Pure."""
