"""pytest's hooks, tied to the filter language, the ledger of exclusions and the results of `gates run`.

The plugin works in two ways. Installed, it is found by its entry point and applies `[tool.gates.exclusions]` of the
project. Under `gates run` it is injected into test environments that do not have gates (see `protocol`), and then it
also writes down what became of every test.

Standard library (and pytest) only, Python 3.9 syntax, relative imports only: the injected copy lives under another
package name. PYTEST_DONT_REWRITE: there is no assertion here that would be worth the time.
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
