"""A run in the formats of other programs: one file each, a pure function of the run, its tests and its comparison."""

FORMATS = ("markdown", "html", "github", "junit", "gitlab", "sarif", "ctrf", "trace", "metrics")
"""What `gates report --format` may be, besides `terminal`."""
