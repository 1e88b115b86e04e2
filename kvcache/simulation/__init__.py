"""What a cache would do with the requests of a trace."""
