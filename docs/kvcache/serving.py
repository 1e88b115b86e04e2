"""Serve a model over HTTP to several users at once, stop, and go on in a new process without a prefill.

python docs/kvcache/serving.py
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from urllib.request import urlopen

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from kvcache.integrations.serving import PooledModel

torch.manual_seed(0)
torch.set_num_threads(1)  # requests run beside each other
sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4}
model = LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=512, eos_token_id=None, **sizes)).eval()
at_once = BoundedSemaphore(4)  # what requests at work have in memory does not make room for others


def go_on(served: LlamaForCausalLM | PooledModel, text: bytes) -> bytes:
    """The text with the model's answer; a byte is a token."""
    tokens = torch.tensor([list(text)])
    return bytes(served.generate(tokens, max_new_tokens=20, do_sample=False, pad_token_id=0)[0].tolist())


class Handler(BaseHTTPRequestHandler):
    """A text comes, and goes back with its answer."""

    def do_POST(self) -> None:
        """Answer."""
        text = self.rfile.read(int(self.headers["Content-Length"]))
        with at_once:
            answer = go_on(self.server.served, text)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def serve(folder: str, texts: list[bytes]) -> list[bytes]:
    """A process: it serves everybody two turns, and saves at its end what it has computed."""
    with PooledModel(model, memory_bytes=256 * 2**20, folder=folder) as served:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.served = served
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        for _ in range(2):
            with ThreadPoolExecutor() as users:
                answers = list(users.map(lambda text: urlopen(url, text).read(), texts))
            print("as without a pool:", answers == [go_on(model, text) for text in texts])
            texts = [answer + b" And then?" for answer in answers]
        server.shutdown()
        server.server_close()
        told = served.statistics()
        print(f"{told.known} of {told.tokens} tokens of the prompts were there, {told.restored} sessions came back")
    return texts


if __name__ == "__main__":
    system = b"You are a clerk in a shop for tea. You know everything about tea. " * 3
    with tempfile.TemporaryDirectory() as folder:
        serve(folder, [system + b"Hello."])
        texts = serve(folder, [system + b"Green or black?", system + b"Is there any sugar?", system + b"Milk?"])
        serve(folder, texts)
