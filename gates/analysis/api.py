"""What changed in the public API from one source tree to another, read by griffe without importing the project.

The comparison runs this file as a script in a separate process, because griffe's objects are large and used only once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NO_PACKAGES = ("benchmarks", "doc", "docs", "examples", "scripts", "test", "testing", "tests", "tools")
"""Top-level folders that are not part of a project's API."""

NO_MODULES = ("conftest", "noxfile", "setup", "tasks", "fabfile", "dodo", "manage")

CHANGED = ("PARAMETER_CHANGED_DEFAULT", "ATTRIBUTE_CHANGED_VALUE", "ATTRIBUTE_CHANGED_TYPE", "RETURN_CHANGED_TYPE")
"""What griffe calls breaking although it breaks no caller for certain."""

LONGEST = 200
"""How many characters of a value are kept."""


def public_packages(root: Path) -> dict[str, str]:
    """Top-level packages and modules of a project → the folder of each.

    In a `src` layout, those in `src`; else packages next to the project's files, or modules if there is no package.
    """
    for folder in (root / "src", root):
        packages = {path.parent.name for path in folder.glob("*/__init__.py")}
        modules = {path.stem for path in folder.glob("*.py")} - set(NO_MODULES)
        names = {name for name in packages if name not in NO_PACKAGES} or {
            name for name in modules if not name.startswith("test_") and not name.endswith("_test")
        }
        names = {name for name in names if name.isidentifier() and not name.startswith("_")}
        if names:
            return dict.fromkeys(sorted(names), str(folder.absolute()))
    return {}


def api_changes(base: Path, head: Path) -> tuple[list[dict[str, str]], str]:
    """What changed, as the fields of `compare.values.ApiChange`; and why it is not known, empty where it is.

    Args:
        base: folder of the older tree.
        head: folder of the newer one.
    """
    question = {"path": sys.path, "base": public_packages(base), "head": public_packages(head)}
    if not question["base"] and not question["head"]:
        return [], "no package was found"
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).absolute())]
    done = subprocess.run(command, input=json.dumps(question).encode(), capture_output=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return [], lines[-1] if lines else "griffe gave no result"
    return list(answer["changes"]), str(answer["unknown"])


def _answer(question: Mapping[str, Any]) -> dict[str, Any]:
    sys.path[:] = question["path"]
    changes: list[dict[str, str]] = []
    unknown = []
    for name in sorted({*question["base"], *question["head"]}):
        try:
            sides = [_load(name, question[side].get(name)) for side in ("base", "head")]
        except Exception as error:  # noqa: BLE001 (griffe may raise anything on what it cannot read)
            unknown.append(f"{name}: {type(error).__name__}: {error}")
            continue
        changes += _changes(name, *sides)
    return {"changes": changes, "unknown": "; ".join(unknown)}


def _load(name: str, folder: str | None) -> Any:
    """A package, read but not imported; None where a side has none."""
    if folder is None:
        return None
    import griffe

    loader = griffe.GriffeLoader(search_paths=[folder], allow_inspection=False, store_source=False)
    package = loader.load(name, try_relative_path=False)
    loader.resolve_aliases(external=False)
    return package


def _changes(package: str, base: Any, head: Any) -> Iterator[dict[str, str]]:
    before, after = ({} if side is None else dict(_public(side)) for side in (base, head))
    seen = set()
    if base is None or head is None:
        kind, whole = ("added", after) if base is None else ("breaking", before)
        yield _change(kind, package, package, f"package {'added' if base is None else 'removed'} (names: {len(whole)})")
        return
    import griffe

    for breakage in griffe.find_breaking_changes(base, head):
        name = str(breakage.obj.path)
        seen.add(name.partition("(")[0])
        kind = "changed" if breakage.kind.name in CHANGED else "breaking"
        yield _change(kind, package, name, breakage.kind.value, breakage.old_value, breakage.new_value)
    for name, text in after.items():
        if name not in before:
            parent = name.rpartition(".")[0]
            if parent in before or parent == package:  # else its parent is new, and that is enough
                yield _change("added", package, name, "added")
        elif before[name] != text and name not in seen:
            yield _change("changed", package, name, "signature changed", before[name], text)


def _public(item: Any) -> Iterator[tuple[str, str]]:
    """Public names below an object, with what a caller sees of each; re-exported names belong to the re-exporting module."""
    for member in item.members.values():
        if member.is_alias or not member.is_public or member.name.startswith(("test_", "conftest")):
            continue
        yield str(member.path), _signature(member)
        if member.is_module or member.is_class:
            yield from _public(member)


def _signature(item: Any) -> str:
    if item.is_function:
        parameters = ", ".join(str(parameter) for parameter in item.parameters)
        return f"({parameters}) -> {item.returns}"
    if item.is_class:
        return f"({', '.join(str(base) for base in item.bases)})"
    return f": {item.annotation}" if getattr(item, "annotation", None) else ""


def _change(kind: str, package: str, name: str, what: str, before: Any = None, after: Any = None) -> dict[str, str]:
    texts = ("" if value is None else str(value)[:LONGEST] for value in (before, after))
    fields = dict(zip(("before", "after"), texts, strict=True))
    return {"kind": kind, "package": package, "name": name, "what": what[:1].lower() + what[1:], **fields}


if __name__ == "__main__":
    json.dump(_answer(json.load(sys.stdin)), sys.stdout)
