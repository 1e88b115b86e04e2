"""ONNX Runtime decodes in the rows of a session: the same logits as without a cache. Needs onnxruntime and onnx."""

import copy
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kvcache import (
    SYSTEM_PAGE,
    ContextOverflowError,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    LayerShape,
    OutOfBoundsError,
    ShapeError,
)

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

from kvcache.integrations.conversations import Conversations  # noqa: E402
from kvcache.integrations.onnxruntime import BoundCache, layout_of  # noqa: E402

LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY = 2, 2, 16, 256, 64
LAYOUT = KVLayout(layers=LAYERS, kv_heads=HEADS, head_dim=WIDTH, max_context=CONTEXT, alignment=SYSTEM_PAGE)
EXAMPLE = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "kvcache" / "onnx_runtime.py"))


@pytest.fixture(scope="module")
def model() -> Any:
    """A model with random weights and the inputs and outputs that ONNX Runtime's model builder gives."""
    helper, tensor = onnx.helper, onnx.TensorProto
    random = np.random.default_rng(0)
    size = HEADS * WIDTH
    weights = {"embedding": random.normal(size=(VOCABULARY, size))}
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["hidden.0"]),
        helper.make_node("ReduceSum", ["attention_mask", "axis"], ["counted"], keepdims=0),
        helper.make_node("Sub", ["counted", "one"], ["last"]),
        helper.make_node("Cast", ["last"], ["seqlens"], to=tensor.INT32),
        helper.make_node("Shape", ["attention_mask"], ["shape"], start=1, end=2),
        helper.make_node("Squeeze", ["shape"], ["length"]),
        helper.make_node("Cast", ["length"], ["total"], to=tensor.INT32),
    ]
    inputs = [
        helper.make_tensor_value_info("input_ids", tensor.INT64, [1, "new"]),
        helper.make_tensor_value_info("attention_mask", tensor.INT64, [1, "all"]),
    ]
    outputs = [helper.make_tensor_value_info("logits", tensor.FLOAT, [1, "new", VOCABULARY])]
    for layer in range(LAYERS):
        for side in ("q", "k", "v", "o"):
            weights[f"{side}.{layer}"] = random.normal(size=(size, size)) / np.sqrt(size)
        past, present = (
            [f"{name}.{layer}.{side}" for side in ("key", "value")] for name in ("past_key_values", "present")
        )
        nodes += [
            helper.make_node("MatMul", [f"hidden.{layer}", f"{side}.{layer}"], [f"{side}.{layer}.out"])
            for side in "qkv"
        ]
        nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [*(f"{side}.{layer}.out" for side in "qkv"), *past, "seqlens", "total"],
                [f"attention.{layer}", *present],
                domain="com.microsoft",
                num_heads=HEADS,
                kv_num_heads=HEADS,
            )
        )
        nodes.append(helper.make_node("MatMul", [f"attention.{layer}", f"o.{layer}"], [f"projected.{layer}"]))
        nodes.append(helper.make_node("Add", [f"hidden.{layer}", f"projected.{layer}"], [f"hidden.{layer + 1}"]))
        for name in (*past, *present):
            info = helper.make_tensor_value_info(name, tensor.FLOAT, [1, HEADS, "places", WIDTH])
            (inputs if name in past else outputs).append(info)
    weights["head"] = random.normal(size=(size, VOCABULARY))
    nodes.append(helper.make_node("MatMul", [f"hidden.{LAYERS}", "head"], ["logits"]))
    constants = [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    constants += [onnx.numpy_helper.from_array(np.array([1], np.int64), name) for name in ("axis", "one")]
    graph = helper.make_graph(nodes, "model", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])


def without_a_cache(model: Any, prompt: list[int], new: int) -> list[int]:
    """The same, with everything computed for every token."""
    tokens = list(prompt)
    empty = {
        f"past_key_values.{layer}.{side}": np.zeros((1, HEADS, 0, WIDTH), np.float32)
        for layer in range(LAYERS)
        for side in ("key", "value")
    }
    for _ in range(new):
        ids, mask = np.array([tokens], np.int64), np.ones((1, len(tokens)), np.int64)
        logits = model.run(["logits"], {"input_ids": ids, "attention_mask": mask, **empty})[0]
        tokens.append(int(logits[0, -1].argmax()))
    return tokens[len(prompt) :]


def test_it_says_the_same_as_without_a_cache(model: Any) -> None:
    talk = Conversations(KVCacheManager(LAYOUT, capacity_bytes=4 * LAYOUT.block_bytes))
    prompt = [5, 9, 2, 7]
    said = EXAMPLE["decode"](model, talk, prompt, 20)
    assert said == without_a_cache(model, prompt, 20)
    assert EXAMPLE["decode"](model, talk, [*prompt, *said], 5) == without_a_cache(model, [*prompt, *said], 5)
    assert talk.statistics().known == 23
    talk.manager.check()


@pytest.mark.parametrize("question", [[3], [4], []])
def test_a_prompt_that_is_shared_or_asked_again_says_the_same(model: Any, question: list[int]) -> None:
    talk = Conversations(KVCacheManager(LAYOUT, capacity_bytes=4 * LAYOUT.block_bytes, memory_bytes=2**20))
    prompt = list(range(1, 60))
    EXAMPLE["decode"](model, talk, prompt, 3)
    text = [*prompt, *question]
    assert EXAMPLE["decode"](model, talk, text, 6) == without_a_cache(model, text, 6)
    assert talk.statistics().known == len(text) - 1
    talk.manager.check()


def test_the_layout_is_that_of_the_model(model: Any) -> None:
    assert layout_of(model, max_context=CONTEXT - 3) == LAYOUT
    assert layout_of(model, max_context=CONTEXT + 1).max_context == CONTEXT + SYSTEM_PAGE // (WIDTH * 4)
    with pytest.raises(InvalidSizeError, match=r"expected inputs past_\{layer\}_\{side\} of shape"):
        layout_of(model, max_context=8, past="past_{layer}_{side}")
    with pytest.raises(InvalidSizeError, match="expected inputs logits"):
        layout_of(model, max_context=8, past="logits")


def test_tensors_show_the_session_s_own_memory() -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes)
    entry = manager.get_or_create("a")
    cache = BoundCache(entry)
    keys, values = cache.tensors(1)
    assert keys.shape() == [1, HEADS, CONTEXT, WIDTH]
    entry.append(*[np.ones((1, *LAYOUT.token_shape), np.float32)] * 2)
    assert keys.data_ptr() == entry.keys(1).ctypes.data
    with pytest.raises(OutOfBoundsError):
        cache.tensors(2)
    assert not entry.is_idle
    del cache, keys, values
    manager.statistics()
    assert entry.is_idle


def test_more_tokens_than_the_context_are_refused(model: Any) -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes)
    with pytest.raises(ContextOverflowError):
        BoundCache(manager.get_or_create("a")).bind(model.io_binding(), CONTEXT + 1)


def test_rows_with_gaps_cannot_be_bound() -> None:
    layout = KVLayout(layers=1, kv_heads=2, head_dim=16, max_context=100, alignment=SYSTEM_PAGE)
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    with pytest.raises(InvalidSizeError, match="rows that follow each other"):
        BoundCache(manager.get_or_create("a"))


def test_it_cannot_be_copied() -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes)
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(BoundCache(manager.get_or_create("a")))


def test_layers_of_different_shapes_are_bound_and_windows_are_not() -> None:
    shapes = [LayerShape(2, 16), LayerShape(1, 32, 16)]
    layout = KVLayout.of_layers(shapes, max_context=CONTEXT, alignment=SYSTEM_PAGE)
    cache = BoundCache(KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("a"))
    found = [tuple(tensor.shape() for tensor in cache.tensors(layer)) for layer in range(2)]
    assert found == [([1, 2, CONTEXT, 16],) * 2, ([1, 1, CONTEXT, 32], [1, 1, CONTEXT, 16])]
    sliding = KVLayout(layers=1, kv_heads=1, head_dim=16, max_context=CONTEXT, window=8, alignment=SYSTEM_PAGE)
    entry = KVCacheManager(sliding, capacity_bytes=sliding.block_bytes).get_or_create("a")
    with pytest.raises(ShapeError, match="BoundCache: expected layers that keep all tokens"):
        BoundCache(entry)
