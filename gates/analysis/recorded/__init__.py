"""Which assertions of changed tests ran on both sides: what to record, and what the records show."""
