"""A served model says what it says without a pool: whatever is asked, edited, asked again, cancelled and restarted, by whomever."""

from __future__ import annotations

import random
import runpy
import threading
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `transformers` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

pytestmark = pytest.mark.slow
torch.set_num_threads(1)

from kvcache import (  # noqa: E402
    SYSTEM_PAGE,
    ClosedError,
    ContextOverflowError,
    InvalidSizeError,
    KVCacheError,
    OutOfMemoryError,
)
from kvcache.integrations.serving import PooledModel, fingerprint  # noqa: E402
from tests.kvcache.integrations.test_transformers import FAMILIES, config_of, ids, model_of  # noqa: E402

OPTIONS: dict[str, Any] = {"do_sample": False, "pad_token_id": 0}
MEMORY = 4096 * SYSTEM_PAGE


def same(served: PooledModel, text: Any, count: int = 12, *, namespace: str = "", **options: Any) -> Any:
    """The answer, which is the model's own."""
    answer = served.generate(text, max_new_tokens=count, namespace=namespace, **OPTIONS, **options)
    assert torch.equal(answer, served.model.generate(text, max_new_tokens=count, **OPTIONS, **options))
    return answer


def known(served: PooledModel) -> int:
    return served.statistics().known


def more(text: Any, count: int = 5, *, seed: int = 2) -> Any:
    return torch.cat([text, ids(1, count, seed=seed)], dim=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_is_not_computed_again(family: str) -> None:
    served = PooledModel(model_of(family), memory_bytes=MEMORY)
    first = same(served, ids(1, 20))
    same(served, more(first))
    assert known(served) == 20 + 12 - 1
    served.manager.check()


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_that_are_edited_and_branched_say_the_same(family: str) -> None:
    """Forty requests of random texts that have beginnings in common, in memory for some ten of them."""
    chance = random.Random(0)
    served = PooledModel(model_of(family), memory_bytes=(60 if family == "deepseek" else 160) * SYSTEM_PAGE)
    texts = [ids(1, 10)]
    for number in range(40):
        text = chance.choice(texts)[:, : chance.randint(1, 70)]
        text = more(text, chance.randint(1, 8), seed=number)
        texts.append(same(served, text, chance.randint(1, 8)))
    assert known(served) > 200
    assert served.manager.statistics().evictions.lru
    served.manager.check()


@pytest.mark.parametrize("family", ["gemma", "mistral"])
def test_texts_say_the_same_where_windows_give_memory_back(family: str, tmp_path: Path) -> None:
    """Conversations that go on, are edited and branched, far behind the window of eight tokens, and after a restart."""
    chance = random.Random(0)
    config = config_of(family)
    config.max_position_embeddings = 512
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    taken = {}
    for windows in (True, False):
        served = PooledModel(model, memory_bytes=MEMORY, folder=tmp_path / str(windows), windows=windows)
        text = ids(1, 20)
        for number in range(6):
            text = same(served, more(text, 30, seed=number), 4)
        taken[windows] = served.manager.statistics().bytes_resident
        assert known(served) > 400, "a conversation goes on in its session"
        for number in range(8):
            same(served, more(text[:, : chance.randint(1, text.shape[1])], chance.randint(1, 8), seed=number), 4)
        served.manager.check()
        served.close()
        again = PooledModel(model, memory_bytes=MEMORY, folder=tmp_path / str(windows), windows=windows)
        same(again, more(text, 30), 4)
        same(again, more(text[:, :100]), 4)
        again.manager.check()
    assert taken[True] < taken[False]


def test_two_users_share_a_prompt_that_neither_has_finished_to_answer() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    prompt = ids(1, 40)

    class Ask(transformers.StoppingCriteria):  # type: ignore[misc, name-defined]
        asked = False

        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            if not self.asked and input_ids.shape[1] > 43:
                self.asked = True
                same(served, more(prompt))
                assert known(served) == 40
            return torch.zeros(1, dtype=torch.bool)

    answer = served.generate(prompt, max_new_tokens=12, stopping_criteria=[Ask()], **OPTIONS)
    assert torch.equal(answer, served.model.generate(prompt, max_new_tokens=12, **OPTIONS))


def test_threads_get_what_they_would_get_alone() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    prompt, wrong = ids(1, 40), []

    def talk(number: int) -> None:
        text = prompt
        try:
            for turn in range(3):
                text = same(served, more(text, seed=(number // 2) * 10 + turn), 6)  # every two threads ask the same
        except BaseException as problem:  # noqa: BLE001 - it is told below
            wrong.append(problem)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert known(served) > 6 * 40
    served.manager.check()


def test_a_request_that_is_cancelled_leaves_what_it_has_computed() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    prompt = ids(1, 20)

    class Closed:
        """The client went away after five pieces, of which the first is the prompt."""

        left = 5

        def put(self, _: Any) -> None:
            self.left -= 1
            if not self.left:
                raise BrokenPipeError

        def end(self) -> None:
            """Never comes."""

    with pytest.raises(BrokenPipeError):
        served.generate(prompt, max_new_tokens=12, streamer=Closed(), **OPTIONS)
    same(served, served.model.generate(prompt, max_new_tokens=12, **OPTIONS))
    assert known(served) == 20 + 3


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"num_beams": 3}, id="beams"),
        pytest.param({"attention_mask": torch.tensor([[0] * 2 + [1] * 18])}, id="padding"),
        pytest.param({"use_cache": False}, id="no-cache"),
        pytest.param({"prompt_lookup_num_tokens": 3}, id="lookup"),
        pytest.param({"assistant_model": model_of("llama", seed=5)}, id="assisted"),
        pytest.param({"cache_implementation": "dynamic"}, id="another-cache"),
        pytest.param({"num_beams": 2, "num_return_sequences": 2}, id="several-answers"),
        pytest.param({"generation_config": transformers.GenerationConfig(num_beams=2)}, id="beams-of-a-configuration"),
    ],
)
def test_what_has_no_text_of_its_own_is_answered_alone(options: dict[str, Any]) -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    text = same(served, ids(1, 20))[:, :20]
    same(served, text, **options)
    assert served.statistics().requests == 1
    assert len(served.manager) == 1


def test_a_batch_is_answered_alone() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    batch = ids(3, 12)
    batch[0, :5] = 0
    same(served, batch, attention_mask=(batch != 0).long())
    assert len(served.manager) == 0


def test_a_text_with_the_token_of_padding_is_answered_as_the_model_does() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    text = ids(1, 20)
    same(served, text)
    text[0, 3] = 0
    same(served, text)
    assert known(served) == 0


@pytest.mark.parametrize("ends", [pytest.param(7, id="one"), pytest.param([5, 7], id="several")])
def test_a_text_with_the_end_of_an_answer_goes_on_where_that_pads_as_well(ends: Any) -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    text = ids(1, 20)
    text[0, 3] = 7
    options: dict[str, Any] = {"max_new_tokens": 5, "do_sample": False, "pad_token_id": 7, "eos_token_id": ends}
    for _ in range(2):
        assert torch.equal(served.generate(text, **options), served.model.generate(text, **options))
    assert known(served) == 19


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"prefill_chunk_size": 7}, id="chunks"),
        pytest.param({"repetition_penalty": 1.3}, id="penalty"),
        pytest.param({"attention_mask": torch.ones(1, 30, dtype=torch.long)}, id="mask"),
        pytest.param({"generation_config": transformers.GenerationConfig(repetition_penalty=1.3)}, id="configuration"),
        pytest.param({"return_dict_in_generate": False, "output_scores": False}, id="plain-output"),
    ],
)
def test_other_ways_to_generate_go_on_in_sessions(options: dict[str, Any]) -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    text = more(same(served, ids(1, 20), 5))
    same(served, text, **options)
    assert known(served) == 24


def test_an_answer_does_not_hand_out_a_session_that_others_go_on_in() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    answer = served.generate(ids(1, 20), max_new_tokens=5, return_dict_in_generate=True, output_logits=True, **OPTIONS)
    assert answer.cache is None
    assert torch.equal(answer.sequences, served.model.generate(ids(1, 20), max_new_tokens=5, **OPTIONS))
    assert len(answer.logits) == 5


def test_arguments_may_be_given_by_their_names() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    text = ids(1, 20)
    expected = served.model.generate(text, max_new_tokens=5, **OPTIONS)
    for _ in range(2):
        named: dict[str, Any] = {"input_ids": text, "attention_mask": torch.ones_like(text)}
        assert torch.equal(served.generate(**named, max_new_tokens=5, **OPTIONS), expected)
    assert known(served) == 19


def test_a_model_that_was_converted_after_it_was_loaded_is_served() -> None:
    served = PooledModel(model_of("llama").to(torch.bfloat16), memory_bytes=MEMORY)
    first = served.generate(ids(1, 20), max_new_tokens=5, **OPTIONS)
    assert served.generate(more(first), max_new_tokens=5, **OPTIONS).shape == (1, 35)
    assert known(served) == 24


def test_a_tenant_does_not_find_what_another_one_has_computed() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY)
    same(served, ids(1, 20), namespace="a")
    same(served, ids(1, 20), namespace="b")
    assert known(served) == 0


def test_a_text_that_is_too_long_is_refused_and_others_go_on() -> None:
    served = PooledModel(model_of("llama"), memory_bytes=MEMORY, max_context=30)
    with pytest.raises(ContextOverflowError, match="at most 30 tokens"):
        served.generate(ids(1, 25), max_new_tokens=12, **OPTIONS)
    same(served, ids(1, 25), 5)
    assert known(served) == 24


def test_a_request_without_room_is_refused_and_others_go_on() -> None:
    rows = 3 * 2 * 2
    served = PooledModel(model_of("llama"), memory_bytes=rows * SYSTEM_PAGE)
    with pytest.raises(OutOfMemoryError):
        served.generate(ids(1, 130), max_new_tokens=5, **OPTIONS)  # a row of 128 tokens is a page
    same(served, ids(1, 100), 5)
    served.manager.check()


def test_a_restart_needs_no_prefill(tmp_path: Path) -> None:
    with PooledModel(model_of("llama"), memory_bytes=MEMORY, folder=tmp_path) as served:
        text = more(same(served, ids(1, 40)))
    with PooledModel(model_of("llama"), memory_bytes=MEMORY, folder=tmp_path) as served:
        same(served, text)
        assert served.statistics().restored == 1
        assert known(served) == 40 + 12 - 1
    with pytest.raises(ClosedError):
        served.generate(text)


def test_other_weights_do_not_find_what_these_have_computed(tmp_path: Path) -> None:
    with PooledModel(model_of("llama"), memory_bytes=MEMORY, folder=tmp_path) as served:
        same(served, ids(1, 40))
    other = model_of("llama")
    with torch.no_grad():
        other.model.layers[1].mlp.up_proj.weight[3, 4] += 1e-3
    assert fingerprint(other) != fingerprint(served.model)
    with PooledModel(other, memory_bytes=MEMORY, folder=tmp_path) as served:
        same(served, ids(1, 40))
        assert known(served) == 0


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(lambda: transformers.T5Config(d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2), id="t5"),
        pytest.param(lambda: transformers.MambaConfig(hidden_size=16, num_hidden_layers=1), id="mamba"),
    ],
)
def test_a_model_that_cannot_be_pooled_is_refused(config: Any) -> None:
    model = transformers.AutoModel.from_config(config())
    with pytest.raises(KVCacheError, match=r"^model: expected "):
        PooledModel(model, memory_bytes=MEMORY)


def test_a_model_elsewhere_is_refused() -> None:
    with pytest.raises(InvalidSizeError, match="expected one on a CPU, got 'meta'"):
        PooledModel(model_of("llama").to("meta"), memory_bytes=MEMORY)


def test_as_many_sessions_have_addresses_as_can_have_a_page_in_each_row() -> None:
    served = PooledModel(transformers.AutoModelForCausalLM.from_config(config_of("llama")), memory_bytes=MEMORY)
    statistics, block = served.manager.statistics(), served.manager.layout.block_bytes
    assert statistics.bytes_capacity // block == 4096 // (3 * 2 * 2)


def test_the_server_of_the_page_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    pages = Path(__file__).parents[3] / "docs" / "kvcache"
    runpy.run_path(str(pages / "serving.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed.count("True") == 6
    assert printed in (pages / "hugging_face.md").read_text(encoding="utf-8")
