"""Readers of files that other tools wrote: JUnit, coverage, diagnostics, XML."""
