from __future__ import annotations

import json
from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.portable.values import TestOutcome
from gates.results import TestResult
from gates.run import log as log_module
from gates.run.log import GateLog
from gates.run.masking import StructMask, looks_secret
from gates.storage.streams import Stream

characters = st.characters(codec="utf-8")
lines = st.text(characters.filter(lambda letter: not letter.isspace()), min_size=6, max_size=30)
secrets = st.text(characters, min_size=6, max_size=40).filter(lambda text: len(text.strip()) >= 6)
texts = st.text(characters, max_size=40)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("MY_API_TOKEN", True),
        ("TOKEN", True),
        ("GITHUB_TOKEN_2", True),
        ("DB_PASSWORD", True),
        ("aws_secret_access_key", True),
        ("SIGNINGKEY", True),
        ("APIKEY", True),
        ("HTTP_AUTH", True),
        ("TOKENIZERS_PARALLELISM", False),
        ("PATH", False),
        ("AUTHOR", False),
        ("KEYBOARD", False),
        ("GIT_AUTHOR_NAME", False),
        ("MONKEY", False),
    ],
)
def test_names_tell_secrets(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret


@pytest.mark.slow
@given(secret=secrets, before=texts, after=texts)
def test_a_secret_survives_in_no_text(secret: str, before: str, after: str) -> None:
    masked = StructMask({"MY_TOKEN": secret}).text(f"{before}{secret}{after}")
    assert secret.strip() not in masked.replace("[masked: MY_TOKEN]", "")


@given(secret=secrets, before=texts, after=texts, ascii_only=st.booleans())
def test_a_secret_survives_in_no_json(secret: str, before: str, after: str, ascii_only: bool) -> None:
    document = json.dumps({"text": f"{before}|{secret}|{after}"}, ensure_ascii=ascii_only).encode()
    masked = StructMask({"MY_TOKEN": secret}).data(document)
    assert json.dumps(secret.strip(), ensure_ascii=ascii_only)[1:-1].encode() not in masked


@pytest.mark.slow
@given(secret=secrets)
def test_a_secret_survives_in_no_assertion_text(secret: str) -> None:
    masked = StructMask({"MY_TOKEN": secret.strip()}).text(f"assert {secret.strip()!r} == ''")
    assert masked == f"assert {repr(secret.strip())[0]}[masked: MY_TOKEN]{repr(secret.strip())[0]} == ''"


@pytest.mark.slow
@given(secret=secrets, texts=st.lists(texts, min_size=4, max_size=4))
def test_a_secret_survives_in_no_result(secret: str, texts: list[str]) -> None:
    spoiled = [f"{text}{secret}" for text in texts]
    result = TestResult(
        gate="test",
        id=spoiled[0],
        outcome=TestOutcome.FAILED,
        duration=0.123456,
        message=spoiled[1],
        details=spoiled[2],
        stdout=spoiled[3],
    )
    masked = StructMask({"MY_TOKEN": secret}).struct(result)
    for text in (masked.id, masked.message, masked.details, masked.stdout):
        assert secret.strip() not in text.replace("[masked: MY_TOKEN]", "")
    assert (masked.outcome, masked.duration) == (result.outcome, result.duration)


@pytest.mark.parametrize("word", ["passed", "failed", "123456", "not-run", "outcome", "message", "duration"])
def test_a_password_like_our_own_words_and_numbers_leaves_a_readable_result(word: str) -> None:
    result = TestResult(gate="test", id="a.py::b", outcome=TestOutcome(word) if "-" in word else TestOutcome.PASSED,
                        duration=0.123456, message=f"it is {word}")  # fmt: skip
    masked = StructMask({"DB_PASSWORD": word}).struct(result)
    assert masked == msgspec.structs.replace(result, message="it is [masked: DB_PASSWORD]")


@pytest.mark.slow
@settings(max_examples=50)
@given(keys=st.lists(lines, min_size=2, max_size=5))
def test_each_line_of_a_key_is_masked_alone_and_together(keys: list[str]) -> None:
    mask = StructMask({"PRIVATE_KEY": "\n".join(keys) + "\n"})
    together = mask.text("\n".join(keys))
    assert together == "[masked: PRIVATE_KEY]"
    for line in keys:
        assert line not in mask.text(f"> {line} <").replace("[masked: PRIVATE_KEY]", "")


@pytest.mark.parametrize("value", ["", "1", "true", "main", "12345", "  abc  \n"])
def test_a_short_value_hides_nothing(value: str) -> None:
    mask = StructMask({"MY_TOKEN": value})
    assert mask.longest == 0
    assert mask.text("1 true main 12345 abc") == "1 true main 12345 abc"


def test_the_config_adds_names_and_takes_names_away() -> None:
    environment = {"LICENCE": "abcdef-1", "BUILD_TOKEN": "ghijkl-2", "BOTH_TOKEN": "mnopqr-3"}
    mask = StructMask(environment, names=["LICENCE", "BOTH_TOKEN"], shown=["BUILD_TOKEN", "BOTH_TOKEN"])
    assert mask.text("abcdef-1 ghijkl-2 mnopqr-3") == "[masked: LICENCE] ghijkl-2 [masked: BOTH_TOKEN]"


def test_a_secret_inside_a_longer_one_leaves_no_rest() -> None:
    assert StructMask({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghi"}).text("abcdefghi") == "[masked: B_TOKEN]"


def test_bytes_that_are_no_text_are_masked_too() -> None:
    value = b"caf\xe9-secret".decode("utf-8", "surrogateescape")
    assert StructMask({"MY_TOKEN": value}).data(b"<caf\xe9-secret>") == b"<[masked: MY_TOKEN]>"


def test_texts_with_lone_surrogates_stay_as_they_are() -> None:
    mask = StructMask({"MY_TOKEN": "abcdef"})
    assert mask.text("\ud800 abcdef \udcff") == "\ud800 [masked: MY_TOKEN] \udcff"


class TestGateLog:
    @pytest.mark.slow
    @given(pieces=st.lists(st.integers(1, 9)), secret=lines)
    def test_a_secret_in_pieces_is_masked(
        self, tmp_path_factory: pytest.TempPathFactory, pieces: list[int], secret: str
    ) -> None:
        path = tmp_path_factory.mktemp("log") / "gate.log"
        log = GateLog(Stream(path), StructMask({"MY_TOKEN": secret}))
        data = f"one {secret} two\n{secret}\nthe end {secret}".encode()
        for size in pieces:
            log.feed(data[:size])
            data = data[size:]
        log.feed(data)
        log.close()
        masked = path.read_text(encoding="utf-8")
        assert masked == "one [masked: MY_TOKEN] two\n[masked: MY_TOKEN]\nthe end [masked: MY_TOKEN]"

    @pytest.mark.slow
    @given(data=st.data())
    def test_a_secret_in_an_endless_line_is_masked(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        """Such a line is written in pieces, wherever they may end."""
        folder = tmp_path_factory.mktemp("log")
        secret = "s3cret-value"
        filler = data.draw(st.lists(st.sampled_from(["x", "yy", "s3cret", secret]), min_size=1, max_size=60))
        text = "".join(filler)
        log = GateLog(Stream(folder / "gate.log"), StructMask({"MY_TOKEN": secret}))
        with closing(log), pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_module, "_LONGEST_LINE", data.draw(st.integers(1, 40)))
            rest = text.encode()
            while rest:
                size = data.draw(st.integers(1, 20))
                log.feed(rest[:size])
                rest = rest[size:]
        assert (folder / "gate.log").read_text() == text.replace(secret, "[masked: MY_TOKEN]")
