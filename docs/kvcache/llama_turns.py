"""Two people take turns with one model, which does not compute what it has read before. Run it with a model in GGUF.

python docs/kvcache/llama_turns.py model.gguf
"""

import sys

from kvcache.integrations.llama_cpp import PooledLlama, PooledLlamaCache

PROMPT = "You are a friendly assistant, and you answer in one short sentence.\n"


def talk(model: str) -> None:
    """Ask four questions in two conversations."""
    llm = PooledLlama(model, n_ctx=512, verbose=False)
    with PooledLlamaCache(capacity_bytes=2**30) as cache:
        llm.set_cache(cache)
        texts = dict.fromkeys(("alice", "bob"), PROMPT)
        for name, question in (("alice", "Who?"), ("bob", "Where?"), ("alice", "Why?"), ("bob", "When?")):
            texts[name] += f"{question}\n"
            before = cache.statistics().tokens_found
            answer = llm(texts[name], max_tokens=16, temperature=0.0)
            found = cache.statistics().tokens_found - before
            print(f"{name}: {found} of {answer['usage']['prompt_tokens']} tokens were there")
            texts[name] += answer["choices"][0]["text"] + "\n"
        llm.set_cache(None)


if __name__ == "__main__":
    talk(sys.argv[1])
