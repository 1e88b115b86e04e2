"""The ledger of excluded tests: tests known not to count yet, each with reason, category, owner and expiry.

Standard library only, Python 3.9 syntax: the pytest plugin reads the ledger too (see `values`).
"""
