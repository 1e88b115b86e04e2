from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.config import load_config
from gates.config.secrets import mask_of, named_in
from gates.portable.errors import ManyErrors
from gates.portable.masking import Mask

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret-value-1"


def test_a_config_that_is_refused_shows_no_secret(tmp_path: Path) -> None:
    text = f'[gate.a]\ncommand = "true"\n[gate.a.env]\nAPI_KEY = {{ value = "{SECRET}", reason = "r" }}\n'
    (tmp_path / "gates.toml").write_text(text)
    with pytest.raises(ManyErrors) as error:
        load_config(tmp_path)
    assert SECRET not in str(error.value)
    assert "[masked: API_KEY]" in str(error.value)


def test_the_mask_of_a_project_hides_what_its_gates_get(tmp_path: Path) -> None:
    env = f'[gate.a.env]\nAPI_KEY = {{ set = "{SECRET}", reason = "r" }}\n'
    (tmp_path / "gates.toml").write_text(
        f'mask-env = ["LICENCE"]\n[gate.a]\ncommand = ["x", "--token", "tok-123456"]\n{env}'
    )
    mask = mask_of([load_config(tmp_path)], {"LICENCE": "lic-123456", "PLAIN": "pla-123456"}, Mask)
    shown = mask.text(f"{SECRET} lic-123456 tok-123456 pla-123456")
    assert shown == "[masked: API_KEY] [masked: LICENCE] [masked: token] pla-123456"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["env", "A=b", "x"], {"env": "A=b", "A": "b", "x": ""}),
        (["--api-key=abc"], {"api_key": "abc"}),
        (["-p", "x.py", "a/b"], {"p": "x.py"}),
    ],
)
def test_a_command_gives_values_to_names(words: list[str], named: dict[str, str]) -> None:
    assert named_in(words) == named
