"""Tests of the benchmarks: of the arithmetic and the sample, not of the speed."""
