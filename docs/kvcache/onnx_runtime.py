"""Decode with ONNX Runtime: past and present are the rows of a session, and what was computed of a text is not computed again.

python docs/kvcache/onnx_runtime.py MODEL.onnx
"""

import sys

import numpy as np
import onnxruntime

from kvcache import KVCacheManager
from kvcache.integrations.conversations import Conversations
from kvcache.integrations.onnxruntime import BoundCache, layout_of


def decode(model: onnxruntime.InferenceSession, talk: Conversations, prompt: list[int], new: int) -> list[int]:
    """The tokens that the model says after a prompt."""
    tokens = list(prompt)
    with talk.turn(prompt) as turn:
        cache = BoundCache(talk.manager.get_or_create(turn.session))
        while len(tokens) < len(prompt) + new:
            fresh = tokens[len(cache) :]
            binding = model.io_binding()
            binding.bind_cpu_input("input_ids", np.array([fresh], np.int64))
            binding.bind_cpu_input("attention_mask", np.ones((1, len(tokens)), np.int64))
            cache.bind(binding, len(fresh))
            binding.bind_output("logits")
            model.run_with_iobinding(binding)
            cache.commit(len(fresh))
            tokens.append(int(binding.get_outputs()[-1].numpy()[0, -1].argmax()))
            turn.saw(tokens)
    return tokens[len(prompt) :]


if __name__ == "__main__":
    model = onnxruntime.InferenceSession(sys.argv[1])
    layout = layout_of(model, max_context=4096)
    talk = Conversations(KVCacheManager(layout, capacity_bytes=16 * layout.block_bytes, memory_bytes=2**30))
    for prompt in ([1, 2, 3, 4, 5], [1, 2, 3, 4, 6]):
        print(decode(model, talk, prompt, 8), talk.statistics())
