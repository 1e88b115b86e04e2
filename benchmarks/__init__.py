"""Measures what the documentation claims about speed: `python -m benchmarks [NAME]... [--json]`."""
