"""Train a small model on this project's texts, let it speak from a session, stop, and go on in another process without a prefill.

python docs/kvcache/small_model.py [STEPS]
"""

import math
import sys
import tempfile
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from kvcache import KVCacheManager, restore, save
from kvcache.integrations.transformers import PooledCache, layout_of

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 800
LENGTH = 128  # bytes of a lesson; a byte is a token

torch.manual_seed(0)
torch.set_num_threads(1)  # a model this small gains nothing from more
sizes = {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4}
model = LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=512, eos_token_id=None, **sizes))
pages = sorted(Path(__file__).parents[1].rglob("*.md"))
text = torch.frombuffer(bytearray(b"\n".join(page.read_bytes() for page in pages)), dtype=torch.uint8).long()

optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(STEPS):
    starts = torch.randint(len(text) - LENGTH, (4,))
    lesson = torch.stack([text[start : start + LENGTH] for start in starts])
    loss = model(lesson, labels=lesson).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
print(f"{STEPS} steps: {loss.item():.1f} nats per byte, {math.log(256):.1f} without learning")


def said(cache: PooledCache | None, told: torch.Tensor, count: int) -> torch.Tensor:
    """Let the model go on with a text, one byte after the other; the same dice for everyone."""
    torch.manual_seed(1)
    return model.generate(told, cache=cache, max_new_tokens=count, do_sample=True, temperature=0.6, pad_token_id=0)


layout = layout_of(model.config)
manager = KVCacheManager(layout, capacity_bytes=64 * layout.block_bytes, memory_bytes=64 * 2**20)
prompt = torch.tensor([list(b"The cache of a session ")])
first = said(PooledCache(manager, "alice"), prompt, 60)
with tempfile.TemporaryDirectory() as folder:
    save(manager, "alice", Path(folder, "alice.safetensors"))
    manager.close()  # as at the end of a process
    manager = KVCacheManager(layout, capacity_bytes=64 * layout.block_bytes, memory_bytes=64 * 2**20)
    restore(manager, Path(folder, "alice.safetensors"))
cache = PooledCache(manager, "alice")
print(f"after the restart {cache.get_seq_length()} of {first.shape[1]} tokens are there")
answer = said(cache, first, 60)
print(bytes(answer[0].tolist()).decode(errors="replace"))
print("as without a session:", torch.equal(answer, said(None, first, 60)))
