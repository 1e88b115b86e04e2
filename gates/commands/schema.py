"""`gates schema`: the JSON Schema of the files that gates writes, and of its config."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from gates.compare.stack import Stack
from gates.compare.values import Comparison
from gates.config.schema import config_schema, pyproject_schema
from gates.portable.values import SCHEMA_VERSION
from gates.results import MutantReport, Run, TestResult
from gates.results.event_schema import AnyEvent

TYPES: dict[str, Any] = {
    "run": Run,
    "test": TestResult,
    "comparison": Comparison,
    "stack": Stack,
    "mutants": MutantReport,
    "events": AnyEvent,
}
CONFIGS = {"config": config_schema, "pyproject": pyproject_schema}
NAMES = (*TYPES, *CONFIGS)


def schema_text(name: str) -> str:
    """JSON Schema (draft 2020-12) of one of `NAMES`: a file that gates writes, or one that it reads its config from."""
    config = CONFIGS.get(name)
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"gates {name}" if config else f"gates {name}, schema_version {SCHEMA_VERSION}",
        **(config() if config else _with_plain_descriptions(msgspec.json.schema(TYPES[name]))),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _with_plain_descriptions(schema: Any) -> Any:
    """Docstrings without their indentation. Python 3.13 removes it: the schema must not depend on the version of Python."""
    if isinstance(schema, list):
        return [_with_plain_descriptions(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: cleandoc(value) if name == "description" and isinstance(value, str) else _with_plain_descriptions(value)
        for name, value in schema.items()
    }
