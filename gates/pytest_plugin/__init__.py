"""Connects pytest's hooks with the filter language, the ledger of exclusions and the results of `gates run`.

The plugin works in two ways. If installed, it is found by its entry point and applies `[tool.gates.exclusions]` of the
project. Under `gates run` it is injected into test environments that do not have gates (see `protocol`), and then it
also records the result of every test.

Only the standard library (and pytest), Python 3.9 syntax, relative imports only: the injected copy has another
package name. PYTEST_DONT_REWRITE: it has no assertions that would be worth the time.
"""

from __future__ import annotations

from .hooks import (
    pytest_addoption,
    pytest_configure,
    pytest_load_initial_conftests,
    pytest_xdist_auto_num_workers,
)

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_xdist_auto_num_workers",
]
