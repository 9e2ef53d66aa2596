"""A server on loopback that speaks OpenAI's REST interface of embeddings."""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from products.embeddings.deterministic import EmbeddingBackend as Deterministic


class Service(ThreadingHTTPServer):
    """Answers at *path*, with vectors of hashed words, and can be ill.

    replies: what to do with the next requests, instead of answering them well:
    functions of the handler. requests: bodies, headers and addresses it got.
    """

    daemon_threads = True

    def __init__(self, path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.path = path
        self.requests, self.replies = [], []
        self.largest = 10_000_000  # bytes of all texts of a request


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        url = urlsplit(self.path)
        self.server.requests.append((url.path, parse_qs(url.query), self.headers, body))
        if url.path != self.server.path:
            return refuse(404, "DeploymentNotFound")(self, body)
        if self.server.replies:
            return self.server.replies.pop(0)(self, body)
        if sum(len(text.encode()) for text in body["input"]) > self.server.largest:
            return refuse(400, "context_length_exceeded")(self, body)
        return answer(self, body)

    def send(self, status, content, headers=(), kind="application/json"):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def answer(handler, body, *, change=lambda data: data, model="text-embedding-3-small"):
    """Answer well, in an order that is not that of the texts, as the service may."""
    vectors = Deterministic().embed(body["input"])[:, : body.get("dimensions")]
    data = [
        {"object": "embedding", "index": index, "embedding": encode(vector, body)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    content = {"object": "list", "data": change(data[::-1]), "model": model}
    handler.send(200, {**content, "usage": usage})


def encode(vector, body):
    if body.get("encoding_format") == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()


def answer_with(**options):
    return lambda handler, body: answer(handler, body, **options)


def refuse(status, code, *headers):
    error = {"error": {"code": code, "message": f"{code} happened."}}
    return lambda handler, body: handler.send(status, error, headers)


def say_nothing(handler, body):
    handler.server.silence.wait(10)
    handler.close_connection = True


def hang_up(handler, body):
    handler.close_connection = True


@contextmanager
def embedding_service(path):
    """Yield a Service that answers at *path* until the end."""
    server = Service(path)
    server.silence = threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.silence.set()
    server.shutdown()
    server.server_close()
    thread.join()
