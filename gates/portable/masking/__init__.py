"""Keep secrets out of everything that is written: their values are replaced, in whatever form they stand there.

The one place of this rule. The program masks what it reads and what it prints; the plugin masks before it shortens.

Standard library only, Python 3.9 syntax, relative imports: it is loaded inside foreign test environments too.
"""

from __future__ import annotations

from .mask import Mask, distinct
from .names import looks_secret

__all__ = ["Mask", "distinct", "looks_secret"]
