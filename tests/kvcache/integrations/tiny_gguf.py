"""Make a tiny Llama with random weights in a file that llama.cpp loads; it says printable characters. Needs the package `gguf`."""

from pathlib import Path

import gguf
import numpy as np

HEADS, CONTEXT = 2, 1024
_CONTROL, _UNKNOWN, _NORMAL, _BYTE = 3, 2, 1, 6


def _tokens() -> list[tuple[bytes, int]]:
    """Three that end or begin a text, every byte, and every printable character: the text and the kind of each token."""
    special = [(b"<unk>", _UNKNOWN), (b"<s>", _CONTROL), (b"</s>", _CONTROL)]
    every = [(f"<0x{byte:02X}>".encode(), _BYTE) for byte in range(256)]
    printable = ["\u2581", *(chr(code) for code in range(33, 127))]
    return special + every + [(character.encode(), _NORMAL) for character in printable]


def write(path: Path, *, layers: int = 2, width: int = 32, seed: int = 0) -> Path:
    """Write the model, and return where it is."""
    random, tokens = np.random.default_rng(seed), _tokens()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)

    def add(name: str, *shape: int, scale: float = 1.0) -> None:
        weights = random.normal(size=shape) * scale / np.sqrt(shape[-1])
        writer.add_tensor(f"{name}.weight", weights.astype(np.float32))

    add("token_embd", len(tokens), width, scale=6.0)
    output = random.normal(size=(len(tokens), width)).astype(np.float32)
    output[[kind != _NORMAL for _, kind in tokens]] = 0  # they are never the likeliest
    writer.add_tensor("output.weight", output)
    for norm in ("output_norm", *(f"blk.{layer}.{part}_norm" for layer in range(layers) for part in ("attn", "ffn"))):
        writer.add_tensor(f"{norm}.weight", np.ones(width, np.float32))
    for layer in range(layers):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{part}", width, width, scale=2.0)
        for part in ("ffn_gate", "ffn_up"):
            add(f"blk.{layer}.{part}", 2 * width, width, scale=2.0)
        add(f"blk.{layer}.ffn_down", width, 2 * width, scale=2.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
