"""Whether a module is still Python with a fault."""

from __future__ import annotations

import warnings

from gates.analysis.mutants.source import Fault


def is_python(fault: Fault, data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as about `is` with a text
        try:
            compile(fault.edit.apply(data), fault.path, "exec", dont_inherit=True)
        except SyntaxError:
            return False
    return True
