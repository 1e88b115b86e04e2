"""Settings of the documentation build: strict with our own pages and docstrings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipelines import problems
from sphinx.util import logging

from gates import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "kv-gates"
copyright = "the kv-gates developers"  # noqa: A001 - Sphinx names it so
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "kv-gates"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Strict: a reference to one of our own objects that leads nowhere fails the gate (`-W` makes it an error).
nitpicky = True
# Relaxed for third parties only. Their inventories lie on other hosts, and a gate must not depend on the network: so
# names of the standard library and of our dependencies cannot be resolved, however right they are. The short names are
# what autodoc prints for `import numpy as np` and for type variables.
_THIRD_PARTY = (
    *sorted(sys.stdlib_module_names),
    *(
        "click",
        "junit_xml",
        "msgspec",
        "nox",
        "np",
        "npt",
        "numpy",
        "numpy.typing",
        "pluggy",
        "psutil",
        "pytest",
        "rich",
    ),
)
nitpick_ignore_regex = [
    (r"py:.*", r"(?:{})(?:\..*)?".format("|".join(name.replace(".", r"\.") for name in _THIRD_PARTY))),
]


def _keep_prose(_app: Sphinx, what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    """Keep napoleon from reading `The share of bytes: …` in a property as a type and a description."""
    if what == "property" and lines:
        lines[0] = f": {lines[0]}"


def _check_examples(_app: Sphinx) -> None:
    for problem in problems():
        logging.getLogger(__name__).warning(problem)


def setup(app: Sphinx) -> None:
    """Run before napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", _keep_prose, priority=400)
    app.connect("builder-inited", _check_examples)
