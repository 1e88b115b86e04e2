"""`gates schema`: the JSON Schema of the files that gates writes."""

from __future__ import annotations

from typing import Any

import msgspec

from gates.compare import Comparison
from gates.compare.stack import Stack
from gates.results import Run, TestResult
from gates.results.happenings import Happenings
from gates.values import SCHEMA_VERSION

TYPES: dict[str, Any] = {"run": Run, "test": TestResult, "comparison": Comparison, "stack": Stack, "events": Happenings}


def schema_text(name: str) -> str:
    """JSON Schema (draft 2020-12) of `run`, `test`, `comparison`, `stack`, or an event."""
    schema = msgspec.json.schema(TYPES[name])
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"gates {name}, schema_version {SCHEMA_VERSION}",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
