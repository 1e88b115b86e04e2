"""The processes of a test session: isolation, supervision, crashes, xdist."""
