"""Files and folders: locks, temporary folders, fingerprints, and work that never follows a link."""
