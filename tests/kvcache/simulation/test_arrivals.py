"""Traces are read as they were written, refused by line, and made up the same from the same seed."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache import TraceError
from kvcache.simulation.arrivals import Arrival, Habits, make_arrivals, read_arrivals, write_arrivals

ARRIVALS = st.builds(
    lambda time, session, prompt, output, prefix, part: Arrival(
        time, session, prompt, output, prefix, max(1, round(prompt * part)) if prefix else 0
    ),
    st.floats(-1e6, 1e6),
    st.text('aü\n"\\ ', min_size=1, max_size=5),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
    st.text("pü\0", max_size=3),
    st.floats(0, 1),
)


@given(st.lists(ARRIVALS, min_size=1, max_size=6))
@settings(max_examples=15)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, arrivals: list[Arrival]) -> None:
    path = str(tmp_path_factory.mktemp("trace") / "t.jsonl")
    write_arrivals(path, arrivals)
    assert read_arrivals(path) == tuple(sorted(arrivals, key=lambda each: each.time))
    with pytest.raises(FileExistsError):
        write_arrivals(path, arrivals)


RIGHT = {"session": "a", "time": 1, "prompt_tokens": 5, "output_tokens": 0}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("{", "a JSON object", id="no-json"),
        pytest.param("[1]", "a JSON object", id="no-object"),
        pytest.param(json.dumps(RIGHT | {"session": ""}), "a session", id="no-session"),
        pytest.param(json.dumps(RIGHT | {"session": 5}), "a session", id="session-of-another-type"),
        pytest.param(json.dumps(RIGHT | {"time": "now"}), "a time", id="time"),
        pytest.param(json.dumps(RIGHT | {"time": float("nan")}), "a time", id="nan"),
        pytest.param(json.dumps(RIGHT | {"time": True}), "a time", id="true"),
        pytest.param(json.dumps(RIGHT | {"prompt_tokens": 0}), "prompt_tokens", id="no-prompt"),
        pytest.param(json.dumps(RIGHT | {"prompt_tokens": 1.5}), "prompt_tokens", id="half-a-token"),
        pytest.param(json.dumps(RIGHT | {"output_tokens": -1}), "output_tokens", id="negative"),
        pytest.param(json.dumps(RIGHT | {"prefix": "p"}), "prefix_tokens", id="prefix-without-tokens"),
        pytest.param(json.dumps(RIGHT | {"prefix": 3}), "a prefix", id="prefix-of-another-type"),
        pytest.param(json.dumps(RIGHT | {"prefix": "p", "prefix_tokens": 6}), "at most the 5", id="long-prefix"),
        pytest.param(json.dumps({"session": "a"}), "a time", id="fields-missing"),
    ],
)
def test_a_line_that_is_no_request_is_named(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{json.dumps(RIGHT)}\n\n{line}\n")
    with pytest.raises(TraceError, match=words) as caught:
        read_arrivals(str(path))
    assert str(caught.value).startswith(f"{path}:3: ")


def test_a_trace_without_requests_or_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("\n")
    with pytest.raises(TraceError, match="at least one request"):
        read_arrivals(str(tmp_path / "t"))
    (tmp_path / "t").write_bytes(b"\xff\xfe")
    with pytest.raises(TraceError, match="UTF-8"):
        read_arrivals(str(tmp_path / "t"))


def test_made_up_conversations_are_the_same_from_the_same_seed_and_grow() -> None:
    made = make_arrivals(40, seed=3)
    assert made == make_arrivals(40, seed=3) != make_arrivals(40, seed=4)
    assert [each.time for each in made] == sorted(each.time for each in made)
    known: dict[str, Arrival] = {}
    for each in made:
        before = known.get(each.session)
        if before is None:
            assert each.prompt_tokens > each.prefix_tokens > 0
        else:
            assert each.prompt_tokens > before.prompt_tokens + before.output_tokens
            assert (each.prefix, each.prefix_tokens) == (before.prefix, before.prefix_tokens)
        assert each.prompt_tokens + each.output_tokens <= Habits().longest
        known[each.session] = each
    assert len(made) > 80
    assert len({each.prefix for each in made}) > 3
    assert not any(each.prefix for each in make_arrivals(5, habits=Habits(prefixes=0)))
