from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from gates.cli import shown as module
from gates.cli.shown import Secrets, Shown, allow_commands, say
from gates.config import load, load_config

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setenv("MY_TOKEN", "s3cret-value")
    monkeypatch.setenv("LICENCE", "lic-123456")
    monkeypatch.setattr(module, "SECRETS", Secrets())
    monkeypatch.setattr(load, "READ", [])  # another test of this process may have read a config that names these
    return Shown(io.BytesIO(), "utf-8", write_through=True)


def text_of(stream: Shown) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def test_whatever_is_printed_hides_secrets_and_commands_nobody(stream: Shown) -> None:
    print("with s3cret-value", "::error::x", file=stream)
    print("::error::x ##[error]y", file=stream)
    assert text_of(stream) == "with [masked: MY_TOKEN] ::error::x\n:\\u003aerror::x ##\\u005berror]y\n"


def test_a_config_that_was_read_adds_its_secrets(stream: Shown, tmp_path: Path) -> None:
    print("lic-123456", file=stream)
    (tmp_path / "gates.toml").write_text('mask-env = ["LICENCE"]\n')
    load_config(tmp_path)
    print("lic-123456", file=stream)
    assert text_of(stream) == "lic-123456\n[masked: LICENCE]\n"


def test_names_of_others_do_nothing_to_a_terminal(stream: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    say("test[\x1b]52;c;x\x07\u202e]\n")
    say('["\u202e\x7f"]\n', as_json=True)
    assert text_of(stream) == 'test[\\x1b]52;c;x\\x07\\u202e]\n["\\u202e\\u007f"]\n'


def test_commands_of_our_own_go_through(stream: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    allow_commands()
    print("::error::s3cret-value")
    assert text_of(stream) == "::error::[masked: MY_TOKEN]\n"
