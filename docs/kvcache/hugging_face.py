"""Two people talk to one model, on a prompt that is computed once.

python docs/kvcache/hugging_face.py
"""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from kvcache import KVCacheManager, PrefixIndex
from kvcache.integrations.transformers import PooledCache, layout_of

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4}
model = LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=512, eos_token_id=None, **sizes)).eval()

layout = layout_of(model.config)
manager = KVCacheManager(layout, capacity_bytes=64 * layout.block_bytes, memory_bytes=64 * 2**20)
index = PrefixIndex(manager)

prompt = torch.randint(1, 256, (1, 200))
with torch.no_grad():
    model(prompt, cache=PooledCache(manager, "prompt"))
index.record("prompt", prompt[0])
for name in ("alice", "bob"):
    question = torch.randint(1, 256, (1, 5))
    text = torch.cat([prompt, question], dim=1)
    known = index.begin(name, text[0])  # what any session has computed of it
    cache = PooledCache(manager, name, config=model.config)
    answer = model.generate(text, cache=cache, max_new_tokens=20, do_sample=False, pad_token_id=0)
    index.record(name, answer[0])
    plain = model.generate(text, max_new_tokens=20, do_sample=False, pad_token_id=0)
    print(f"{name}: {known} of {text.shape[1]} tokens were there, as without: {torch.equal(answer, plain)}")
