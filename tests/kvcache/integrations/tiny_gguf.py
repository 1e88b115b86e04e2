"""Make tiny models with random weights in files that llama.cpp loads; they say printable characters. Needs the package `gguf`."""

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

HEADS, CONTEXT = 2, 1024
_CONTROL, _UNKNOWN, _NORMAL, _BYTE = 3, 2, 1, 6


def _tokens() -> list[tuple[bytes, int]]:
    """Three that end or begin a text, every byte, and every printable character: the text and the kind of each token."""
    special = [(b"<unk>", _UNKNOWN), (b"<s>", _CONTROL), (b"</s>", _CONTROL)]
    every = [(f"<0x{byte:02X}>".encode(), _BYTE) for byte in range(256)]
    printable = ["\u2581", *(chr(code) for code in range(33, 127))]
    return special + every + [(character.encode(), _NORMAL) for character in printable]


class _Model:
    """A file that is being written: what all models have, and random weights."""

    def __init__(self, path: Path, family: str, layers: int, width: int, seed: int) -> None:
        self.path = path
        self.random = np.random.default_rng(seed)
        self.writer = writer = gguf.GGUFWriter(path, family)
        tokens = _tokens()
        writer.add_context_length(CONTEXT)
        writer.add_embedding_length(width)
        writer.add_block_count(layers)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_tokenizer_model("llama")
        writer.add_token_list([text for text, _ in tokens])
        writer.add_token_scores([0.0] * len(tokens))
        writer.add_token_types([kind for _, kind in tokens])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
        output = self.random.normal(size=(len(tokens), width))
        output[[kind != _NORMAL for _, kind in tokens]] = 0  # they are never the likeliest
        self.add("token_embd.weight", len(tokens), width, scale=6.0)
        self.put("output.weight", output)
        self.put("output_norm.weight", np.ones(width))

    def put(self, name: str, weights: npt.NDArray[np.float64]) -> None:
        self.writer.add_tensor(name, weights.astype(np.float32))

    def add(self, name: str, *shape: int, scale: float = 2.0) -> None:
        self.put(name, self.random.normal(size=shape) * scale / np.sqrt(shape[-1]))

    def close(self) -> Path:
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()
        return self.path


def write(path: Path, *, layers: int = 2, width: int = 32, seed: int = 0) -> Path:
    """Write a Llama, and return where it is."""
    model = _Model(path, "llama", layers, width, seed)
    model.writer.add_feed_forward_length(2 * width)
    model.writer.add_head_count(HEADS)
    model.writer.add_head_count_kv(HEADS)
    model.writer.add_rope_dimension_count(width // HEADS)
    for layer in range(layers):
        for part in ("attn", "ffn"):
            model.put(f"blk.{layer}.{part}_norm.weight", np.ones(width))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            model.add(f"blk.{layer}.{part}.weight", width, width)
        for part in ("ffn_gate", "ffn_up"):
            model.add(f"blk.{layer}.{part}.weight", 2 * width, width)
        model.add(f"blk.{layer}.ffn_down.weight", width, 2 * width)
    return model.close()


def write_mamba(path: Path, *, layers: int = 2, width: int = 32, seed: int = 0) -> Path:
    """Write a Mamba, whose state cannot take tokens back, and return where it is."""
    model = _Model(path, "mamba", layers, width, seed)
    inner, rows, rank, kernel = 2 * width, 16, 2, 4
    model.writer.add_feed_forward_length(0)
    model.writer.add_head_count(0)
    model.writer.add_ssm_conv_kernel(kernel)
    model.writer.add_ssm_inner_size(inner)
    model.writer.add_ssm_state_size(rows)
    model.writer.add_ssm_time_step_rank(rank)
    for layer in range(layers):
        model.put(f"blk.{layer}.attn_norm.weight", np.ones(width))
        model.add(f"blk.{layer}.ssm_in.weight", 2 * inner, width)
        model.add(f"blk.{layer}.ssm_conv1d.weight", inner, kernel)
        model.put(f"blk.{layer}.ssm_conv1d.bias", np.zeros(inner))
        model.add(f"blk.{layer}.ssm_x.weight", rank + 2 * rows, inner)
        model.add(f"blk.{layer}.ssm_dt.weight", inner, rank)
        model.put(f"blk.{layer}.ssm_dt.bias", np.full(inner, -3.0))
        model.put(f"blk.{layer}.ssm_a", np.tile(-np.arange(1.0, rows + 1), (inner, 1)))
        model.put(f"blk.{layer}.ssm_d", np.ones(inner))
        model.add(f"blk.{layer}.ssm_out.weight", width, inner)
    return model.close()
