"""Check the examples for CI services in `ci/`: valid YAML, and the references between their steps lead somewhere.

The build of the documentation calls this, because its environment has a reader of YAML (of MyST); a test checks the commands
of the examples. By hand, check them against the schemas of the services, too: `check-jsonschema` ships these.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "ci"
ACTION = FOLDER / "gates-action" / "action.yml"


def problems() -> Iterator[str]:
    """What is not as it should be, one line each."""
    yaml: Any = importlib.import_module("yaml")  # no types of it are installed
    for path in sorted(FOLDER.rglob("*.yml")):
        name, text = path.relative_to(FOLDER.parent).as_posix(), path.read_text(encoding="utf-8")
        try:
            yield from (f"{name}: {said}" for said in _doubled(yaml.compose(text, yaml.SafeLoader)))
            found = yaml.safe_load(text)
        except yaml.YAMLError as error:
            yield f"{name}: {error}"
            continue
        steps = found.get("runs", {}).get("steps", [])
        yield from (f"{name}: {said}" for said in _dangling(text, steps, found.get("inputs", {})))
        for job in found.get("jobs", {}).values():
            yield from (f"{name}: {said}" for said in _of_job(job, yaml.safe_load(ACTION.read_text(encoding="utf-8"))))


def _doubled(node: Any) -> Iterator[str]:
    """Keys that a mapping has twice: the reader keeps the last one, and says nothing."""
    pairs = node.value if hasattr(node, "value") and isinstance(node.value, list) else []
    keys = [pair[0].value for pair in pairs if isinstance(pair, tuple)]
    yield from (f"the key {key!r} is there twice" for key in {key for key in keys if keys.count(key) > 1})
    for pair in pairs:
        for inner in pair if isinstance(pair, tuple) else (pair,):
            yield from _doubled(inner)


def _dangling(text: str, steps: list[dict[str, Any]], inputs: dict[str, Any]) -> Iterator[str]:
    ids = {step["id"] for step in steps if "id" in step}
    for kind, known in (("steps", ids), ("inputs", set(inputs))):
        for name in sorted(set(re.findall(rf"\b{kind}\.([\w-]+)", text)) - known if steps else ()):
            yield f"{kind}.{name} is nowhere defined"
    for step in steps:
        if "${{" in step.get("run", ""):
            yield f"the step {step.get('name')!r} puts foreign text into its script: use env"


def _of_job(job: dict[str, Any], action: dict[str, Any]) -> Iterator[str]:
    for step in job["steps"]:
        if ("uses" in step) == ("run" in step):
            yield f"a step has either uses or run: {step}"
        if "uses" in step and "@" not in step["uses"]:
            yield f"{step['uses']} names no version"
        if "/gates-action@" in step.get("uses", ""):
            yield from (f"the action has no input {name}" for name in set(step.get("with", {})) - set(action["inputs"]))
