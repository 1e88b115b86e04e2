"""Keep secrets out of the values of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from gates.config import Config
from gates.config.secrets import mask_of
from gates.portable import masking
from gates.portable.failure_signature import normalise, typed
from gates.portable.masking.mask import OUR_WORDS
from gates.results import AttemptResult, SubtestResult, TestResult
from gates.results.files import encoded

looks_secret = masking.looks_secret

_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_Part = TypeVar("_Part", "TestResult", "AttemptResult", "SubtestResult")


class StructMask(masking.Mask):
    """A mask that also masks the values of a run."""

    @classmethod
    def of(cls, config: Config, environment: Mapping[str, str] | None = None) -> StructMask:
        """The mask of a project: it hides secrets in variables of this process, and in those that the config sets for gates."""
        return mask_of([config], os.environ if environment is None else environment, cls)

    def struct(self, struct: _Struct) -> _Struct:
        """`struct` without secrets."""
        return self._built(struct) if self.touches(encoded(struct)) else struct

    def results(self, results: Iterable[TestResult]) -> list[TestResult]:
        """Results without secrets; tests whose ids then look the same stay separate."""
        results = list(results)
        if not self.touches(b"\n".join(map(encoded, results))):
            return results
        names = masking.distinct((result.id for result in results), self)
        masked = ((result, self._built(result)) for result in results)
        return [msgspec.structs.replace(_signed(*pair), id=names.get(pair[0].id, pair[0].id)) for pair in masked]

    def _built(self, value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            changed = {}
            for field in value.__struct_fields__:
                before = getattr(value, field)
                after = before if field in OUR_WORDS else self._built(before)
                if after is not before:
                    changed[field] = after
            return msgspec.structs.replace(value, **changed) if changed else value
        if type(value) is str:  # no enumerations: their words come from gates
            after = self.text(value)
            return value if after == value else after
        if isinstance(value, dict):
            return {self._built(key): self._built(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return self._items(value)
        return value

    def _items(self, items: Sequence[Any]) -> Sequence[Any]:
        built = [self._built(item) for item in items]
        if all(after is before for after, before in zip(built, items, strict=True)):
            return items
        return tuple(built) if isinstance(items, tuple) else built


def _signed(before: TestResult, after: TestResult) -> TestResult:
    """A result with signatures made from its masked messages: in earlier ones, digits have been replaced."""
    parts = {
        name: tuple(_resigned(*pair) for pair in zip(getattr(before, name), getattr(after, name), strict=True))
        for name in ("attempts", "subtests")
        if getattr(after, name)
    }
    return msgspec.structs.replace(_resigned(before, after), **parts)


def _resigned(before: _Part, after: _Part) -> _Part:
    if before.message == after.message or not before.signature:
        return after
    kind, colon, _ = before.signature.partition(": ")
    return msgspec.structs.replace(after, signature=normalise(typed(after.message, kind if colon else "")))
