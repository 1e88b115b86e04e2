"""What happened to a cache: counts, durations, receipts, and where they are written."""
