"""Show the last runs of a project in a browser, also one that is running: read-only, on this machine only."""
