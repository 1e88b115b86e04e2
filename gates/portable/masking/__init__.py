"""Keep secrets out of all output: replace their values, in every form that they appear in.

This rule is only here. The program masks what it reads and what it prints; the plugin masks before it shortens.

Standard library only, Python 3.9 syntax, relative imports: it is loaded inside foreign test environments too.
"""

from __future__ import annotations

from .mask import Mask, distinct
from .names import looks_secret

__all__ = ["Mask", "distinct", "looks_secret"]
