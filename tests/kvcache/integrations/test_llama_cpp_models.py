"""A tiny Llama says the same with our cache as without one, and computes less. Needs llama-cpp-python and gguf."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

llama_cpp = pytest.importorskip("llama_cpp", reason="the extra `llama-cpp` is not installed")
pytest.importorskip("gguf", reason="gguf is not installed: it writes the model of these tests")

from kvcache.integrations.llama_cpp import PooledLlama, PooledLlamaCache, PooledState  # noqa: E402
from tests.kvcache.integrations import tiny_gguf  # noqa: E402
from tests.kvcache.threads import run_threads  # noqa: E402

pytestmark = pytest.mark.slow

PROMPT = "The quick brown fox jumps over the lazy dog, again and again. "
EXAMPLE = Path(__file__).parents[3] / "docs" / "kvcache" / "llama_turns.py"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf"))


@pytest.fixture(params=["Llama", "PooledLlama"])
def kind(request: pytest.FixtureRequest) -> Any:
    return {"Llama": llama_cpp.Llama, "PooledLlama": PooledLlama}[request.param]


def model(path: str, kind: Any = llama_cpp.Llama, cache: Any = None, **more: Any) -> Any:
    """A model that counts the tokens that it evaluates."""
    llm = kind(path, verbose=False, n_threads=1, n_threads_batch=1, seed=3, **({"n_ctx": 256, "n_batch": 64} | more))
    llm.set_cache(cache)
    evaluate, llm.evaluated = llm.eval, 0

    def counting(tokens: Any) -> None:
        llm.evaluated += len(tokens)
        evaluate(tokens)

    llm.eval = counting
    return llm


def said(llm: Any, prompt: str, **more: Any) -> str:
    answer = llm(prompt, **({"max_tokens": 12, "temperature": 0.0} | more))
    text: str = answer["choices"][0]["text"]
    return text


def test_completions_are_the_same_as_without_a_cache_and_with_another_one(path: str, kind: Any) -> None:
    prompts = [PROMPT, PROMPT + "And?", "Something else, of no use to the others.", PROMPT + "And so on?", PROMPT]
    plain = [said(model(path), prompt) for prompt in prompts]
    assert len(set(plain)) > 2
    with PooledLlamaCache(1 << 24) as cache:
        llm = model(path, kind, cache)
        assert [said(llm, prompt) for prompt in prompts] == plain
        assert cache.statistics().hits == 3
        cache._states.check()
    rival = model(path, cache=llama_cpp.LlamaRAMCache(1 << 24))
    assert [said(rival, prompt) for prompt in prompts] == plain
    assert llm.evaluated <= rival.evaluated


def test_a_second_model_evaluates_only_what_is_new(path: str, kind: Any) -> None:
    with PooledLlamaCache(1 << 24) as cache:
        first, second = (model(path, kind, cache) for _ in range(2))
        said(first, PROMPT)
        text = said(second, PROMPT + "Well?")
        assert second.evaluated == len("Well?") + 11  # the last token that is said is never evaluated
        assert text == said(model(path), PROMPT + "Well?")


def test_conversations_that_take_turns_do_not_compute_their_past_again(path: str, kind: Any) -> None:
    with PooledLlamaCache(1 << 24) as cache:
        llm, plain = model(path, kind, cache), model(path)
        texts = {"alice": PROMPT + "I am Alice. ", "bob": "My name is Bob, and this is my text. "}
        for turn in range(3):
            for name, text in texts.items():
                before = llm.evaluated
                answer = said(llm, text)
                assert answer == said(plain, text)
                if turn:
                    assert llm.evaluated - before < 20
                texts[name] = f"{text}{answer}{turn}? "


def test_scores_come_back_for_log_probabilities(path: str, kind: Any) -> None:
    with PooledLlamaCache(1 << 24) as cache:
        llm = model(path, kind, cache, logits_all=True)
        said(llm, PROMPT)
        said(llm, "another text altogether, so that the state is loaded")
        found = llm(PROMPT + "x", max_tokens=4, temperature=0.0, logprobs=2, echo=True)
    plain = model(path, logits_all=True)(PROMPT + "x", max_tokens=4, temperature=0.0, logprobs=2, echo=True)
    one, other = (each["choices"][0]["logprobs"]["token_logprobs"][1:] for each in (found, plain))
    assert np.allclose(one, other, atol=1e-3)
    assert found["choices"][0]["text"] == plain["choices"][0]["text"]


def test_the_state_is_the_one_that_llama_cpp_gave(path: str) -> None:
    llm = model(path, logits_all=True)
    said(llm, PROMPT)
    mine, theirs = PooledLlamaCache(1 << 24), llama_cpp.LlamaRAMCache(1 << 24)
    tokens = llm.input_ids[: llm.n_tokens].tolist()
    state = llm.save_state()
    mine[tokens] = theirs[tokens] = state
    one, other = mine[tokens], theirs[tokens]
    assert vars(other).keys() <= {name for name in dir(one) if not name.startswith("__")}
    assert one.llama_state == other.llama_state
    assert (one.llama_state_size, one.n_tokens, one.seed) == (other.llama_state_size, other.n_tokens, other.seed)
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.input_ids[: one.n_tokens], other.input_ids[: other.n_tokens])
    assert [type(getattr(one, name)) for name in vars(other)] == [type(each) for each in vars(other).values()]


def test_a_pooled_llama_writes_what_it_would_save(path: str) -> None:
    llm = model(path, PooledLlama)
    said(llm, PROMPT)
    plain = llm.save_state()
    llm.set_cache(cache := PooledLlamaCache(1 << 24))
    pooled = llm.save_state()
    assert (type(plain), type(pooled)) == (llama_cpp.LlamaState, PooledState)
    assert pooled.llama_state == plain.llama_state
    before = cache._states.statistics()
    cache[[1]] = pooled  # it is there already
    assert cache._states.statistics() == before
    part = cache.within("another")
    part[[1]] = pooled
    assert cache._states.statistics().states == before.states + 1


@pytest.mark.parametrize("room", [1, 1000], ids=["no room at all", "less than one"])
def test_a_cache_that_is_too_small_costs_nothing_but_its_use(path: str, kind: Any, room: int) -> None:
    with PooledLlamaCache(64 * room) as cache:
        llm = model(path, kind, cache)
        texts = [said(llm, prompt) for prompt in (PROMPT, "Another one.", PROMPT)]
        assert texts == [said(model(path), prompt) for prompt in (PROMPT, "Another one.", PROMPT)]
        if room == 1:
            assert cache.statistics().refused == 3
        assert cache.cache_size <= 64 * room


def test_states_make_room_and_texts_stay_right(path: str, kind: Any) -> None:
    prompts = [f"{number} is the number of this text, which is not long. " for number in range(6)]
    plain = [said(model(path), prompt) for prompt in prompts]
    probe = model(path)
    said(probe, prompts[0])
    with PooledLlamaCache(3 * probe.save_state().llama_state_size, scores=False) as cache:
        llm = model(path, kind, cache)
        for _ in range(2):
            assert [said(llm, prompt) for prompt in prompts] == plain
        assert cache.statistics().evictions >= 6
        cache._states.check()


def test_a_state_of_another_kind_of_model_is_refused_by_llama_cpp_alike(path: str, kind: Any) -> None:
    with PooledLlamaCache(1 << 24) as cache:
        said(model(path, kind, cache), PROMPT)
        state = cache[model(path).tokenize(PROMPT.encode())]
        state.llama_state = b"\0" * state.llama_state_size
        with pytest.raises(RuntimeError, match="Failed to set llama state data"):
            llama_cpp.Llama.load_state(model(path), state)


def test_models_in_four_threads_share_a_cache(path: str, kind: Any) -> None:
    prompts = [PROMPT + each for each in ("One.", "Two.", "Three.")]
    plain = [said(model(path), prompt) for prompt in prompts]
    with PooledLlamaCache(1 << 18) as cache:
        wrong: list[str] = []

        def work(worker: int) -> None:
            llm = model(path, kind, cache)
            turns = [number % 3 for number in range(worker, worker + 4)]
            wrong.extend(prompts[turn] for turn in turns if said(llm, prompts[turn]) != plain[turn])

        run_threads(work)
        assert not wrong
        cache._states.check()
        assert cache.statistics().hits > 0


def test_the_example_of_the_documentation_finds_what_was_read(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE))["talk"](path)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["alice", "bob", "alice", "bob"]
    found = [int(line.split()[1]) for line in lines]
    assert found[0] == 0
    assert found[1] >= 60
    assert all(count >= 80 for count in found[2:])


def test_a_state_that_llama_cpp_does_not_write_is_not_kept(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with PooledLlamaCache(1 << 24) as cache:
        llm = model(path, PooledLlama, cache)
        monkeypatch.setattr(llama_cpp, "llama_state_get_data", lambda *_: 0)
        monkeypatch.setattr(llama_cpp.llama_cpp, "llama_state_get_data", lambda *_: 0)
        assert said(llm, PROMPT) == said(model(path), PROMPT)
        figures = cache.statistics()
        assert (figures.states, figures.bytes_used, figures.refused) == (0, 0, 1)


def test_a_model_that_cannot_take_tokens_back_goes_on_from_what_is_whole(tmp_path: Path, kind: Any) -> None:
    path = str(tiny_gguf.write_mamba(tmp_path / "mamba.gguf"))
    evaluated = {}
    for whole in (False, True):
        with PooledLlamaCache(1 << 24, whole=whole) as cache:
            llm, plain = model(path, kind, cache), model(path)
            first = PROMPT + said(llm, PROMPT) + "And?"
            texts = [first, first + said(llm, first) + "Why?", first + " Something else.", PROMPT + "No."]
            other = "a conversation that takes its turn between those"
            evaluated[whole] = 0
            for text in texts:
                said(llm, other)
                before = llm.evaluated
                assert said(llm, text) == said(plain, text)
                evaluated[whole] += llm.evaluated - before
            cache._states.check()
    assert evaluated[True] < evaluated[False]


def test_a_completion_in_pieces_and_a_chat_are_kept_as_well(path: str, kind: Any) -> None:
    messages = [{"role": "user", "content": PROMPT}]
    plain = model(path).create_chat_completion(messages, max_tokens=8, temperature=0.0)
    with PooledLlamaCache(1 << 24) as cache:
        pieces = model(path, kind, cache)(PROMPT, max_tokens=12, temperature=0.0, stream=True)
        assert "".join(each["choices"][0]["text"] for each in pieces) == said(model(path), PROMPT)
        assert cache.statistics().states == 1
        llm = model(path, kind, cache)
        for _ in range(2):
            answer = llm.create_chat_completion(messages, max_tokens=8, temperature=0.0)
            assert answer["choices"][0]["message"] == plain["choices"][0]["message"]
        assert cache.statistics().states == 2
        assert cache.statistics().hits == 1


def test_models_that_share_a_cache_without_namespaces_never_take_the_state_of_another(
    path: str, tmp_path: Path
) -> None:
    makers: list[tuple[str, dict[str, Any]]] = [
        (path, {}),
        (str(tiny_gguf.write(tmp_path / "other.gguf", seed=1)), {}),  # llama.cpp would take these states
        (str(tiny_gguf.write(tmp_path / "deeper.gguf", layers=3)), {}),
        (path, {"n_ctx": 128}),
        (path, {"n_batch": 32}),
        (path, {"rope_freq_base": 500.0}),
    ]
    with PooledLlamaCache(1 << 24) as cache:
        for where, settings in makers * 2:
            llm = model(where, PooledLlama, cache, **settings)
            assert said(llm, PROMPT) == said(model(where, **settings), PROMPT)
            assert said(llm, PROMPT + "On.") == said(model(where, **settings), PROMPT + "On.")


def test_a_state_of_another_shape_that_a_llama_saved_is_a_miss(path: str, tmp_path: Path) -> None:
    deeper = str(tiny_gguf.write(tmp_path / "deeper.gguf", layers=3))
    with PooledLlamaCache(1 << 24) as cache:
        said(model(path, cache=cache), PROMPT)
        assert said(model(deeper, PooledLlama, cache), PROMPT) == said(model(deeper), PROMPT)
