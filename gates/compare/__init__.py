"""Compare a base run with a head run. Pure."""
