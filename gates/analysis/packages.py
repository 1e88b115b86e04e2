"""Ask grimp for the imports within packages, in a separate process.

The process runs this file as a script, so nothing of gates is imported here at the top. It is a process because finding
a package looks at what the running one has imported: a project that is guarded by its own installed version, as this one
is, would be answered for by that version.
"""

from __future__ import annotations

import json
import posixpath
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def package_imports(root: Path, packages: Mapping[str, str]) -> dict[str, list[str]]:
    """What each module of some packages imports, by dotted names; empty when grimp cannot tell.

    Names outside the packages are cut to their first part. A module that is not in the result was not read: grimp
    stops at the first file that is not Python, and skips folders without `__init__.py`.

    Args:
        root: the project's folder.
        packages: the folders of top-level packages from the root, by their names.
    """
    if not packages:
        return {}
    question = {
        "path": sys.path,
        "packages": {name: str((root / folder / "__init__.py").absolute()) for name, folder in packages.items()},
    }
    # Isolated and without `site`: Python's environment variables are not meant for this process.
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).absolute())]
    done = subprocess.run(command, input=json.dumps(question).encode(), capture_output=True, check=False)
    try:
        answer: dict[str, list[str]] = json.loads(done.stdout) if done.returncode == 0 else {}
    except ValueError:
        return {}
    return answer


class _Finder:
    """Finds only the packages of the project; the search path does not change."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self._packages = packages

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 (the protocol's, like the next)
        target: object = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        from importlib.util import spec_from_file_location

        file = self._packages.get(name)
        if file is None:
            return None
        return spec_from_file_location(name, file, submodule_search_locations=[posixpath.dirname(file)])


def _answer(question: Mapping[str, Any]) -> dict[str, list[str]]:
    sys.path[:] = question["path"]
    import grimp

    # grimp's own modules are found among the loaded ones, or would be loaded from the project when grimp imports them
    # later: packages with such names are read in another way.
    taken = sys.stdlib_module_names | sys.modules.keys()
    packages = {name: file for name, file in question["packages"].items() if name not in taken}
    if not packages:
        return {}
    finder: Any = _Finder(packages)
    sys.meta_path.insert(0, finder)
    # No cache: its folder would be inside the project.
    graph = grimp.build_graph(*packages, include_external_packages=True, cache_dir=None)
    return {
        module: sorted(graph.find_modules_directly_imported_by(module))
        for module in graph.modules
        if not graph.is_module_squashed(module)
    }


if __name__ == "__main__":
    json.dump(_answer(json.load(sys.stdin)), sys.stdout)
