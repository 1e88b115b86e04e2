"""The secrets of a project: from the variables of this process, and from those that the config sets for its gates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gates.portable.masking import Mask, looks_secret
from gates.portable.patterns import lazy_pattern

if TYPE_CHECKING:
    from gates.config.values import Config

_NAMED = lazy_pattern(r"(?:--?)?([A-Za-z_][\w-]*)(?:=(.*))?", re.DOTALL)

_Mask = TypeVar("_Mask", bound=Mask)


def mask_of(configs: Sequence[Config], environment: Mapping[str, str], kind: type[_Mask]) -> _Mask:
    """A mask of this kind that hides them."""
    names = {name for config in configs for name in config.mask_env}
    shown = {name for config in configs for name in config.record_env}
    mask = kind(environment, names, shown)
    for gate in (gate for config in configs for gate in config.gates.values()):
        mask.learn({change.name: change.value for change in gate.env if change.value is not None})
        mask.learn(named_in(gate.command + gate.args))
    return mask


def shown(value: Any) -> str:
    """A config value for an error message when there is no mask yet: without the values of secret names."""
    return repr(_without_secrets(value))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: f"[masked: {key}]" if looks_secret(key) else _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def named_in(words: Sequence[str]) -> dict[str, str]:
    """The values that a command passes by name: `NAME=value`, `--name=value` and `--name value`."""
    found = {}
    for word, following in zip(words, (*words[1:], ""), strict=False):
        match = _NAMED.fullmatch(word)
        if match is not None:
            found[match[1].replace("-", "_")] = following if match[2] is None else match[2]
    return found
