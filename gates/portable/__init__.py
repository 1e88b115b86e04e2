"""Code that also runs inside foreign processes, such as the test environment of a gate.

Rule: standard library only, Python 3.9 syntax, and relative imports, because the injected copy has another package name.
"""
