"""A run in the formats of other programs: one file each, a pure function of the run, its tests and its comparison."""
