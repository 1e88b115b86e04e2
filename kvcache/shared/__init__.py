"""Sessions in memory that several processes share: one writes, many read."""
