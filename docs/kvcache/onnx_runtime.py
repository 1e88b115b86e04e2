"""Decode with ONNX Runtime: past and present are the rows of a session. Run it with a model made by `onnxruntime_genai.models.builder`."""

import sys

import numpy as np
import onnxruntime

from kvcache import KVCacheManager, KVLayout
from kvcache.integrations.onnxruntime import BoundCache


def decode(model: onnxruntime.InferenceSession, cache: BoundCache, prompt: list[int], new: int) -> list[int]:
    """The tokens that the model says after a prompt; what the session has already is not computed again."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + new:
        fresh = tokens[len(cache) :]
        binding = model.io_binding()
        binding.bind_cpu_input("input_ids", np.array([fresh], np.int64))
        binding.bind_cpu_input("attention_mask", np.ones((1, len(tokens)), np.int64))
        cache.bind(binding, len(fresh))
        binding.bind_output("logits")
        model.run_with_iobinding(binding)
        cache.commit(len(fresh))
        logits = next(each.numpy() for each in binding.get_outputs() if each.shape()[-1] == VOCABULARY)
        tokens.append(int(logits[0, -1].argmax()))
    return tokens[len(prompt) :]


VOCABULARY = 64

if __name__ == "__main__":
    layout = KVLayout(layers=2, kv_heads=2, head_dim=16, max_context=256)
    manager = KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes)
    session = onnxruntime.InferenceSession(sys.argv[1])
    print(decode(session, BoundCache(manager.get_or_create("alice")), [1, 2, 3], 8))
