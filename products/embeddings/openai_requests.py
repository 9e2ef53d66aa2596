"""What backends have alike that ask a service by OpenAI's REST interface.

`azure_openai` and `openai_compatible` subclass OpenAIBackend: they say where the service
is, who asks, and what to do when it refuses. This is how it is asked: in batches that
fit, again where that can help, and each answer is checked before it is believed.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from products.embeddings.base import (
    BaseEmbeddingBackend,
    EmbeddingError,
    Vector,
    WrongDimension,
)

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI
    from openai.types import CreateEmbeddingResponse

# A batch can wait: the client then tries again after 0.5 s, 1 s, 2 s ... or what the
# service's Retry-After says, up to two minutes.
RETRIES = 5
BATCH_SECONDS = 60.0

TOO_LARGE = (400, 413)


class OpenAIBackend(BaseEmbeddingBackend):
    """Embeds by a service that answers as OpenAI's `embeddings` does.

    A subclass sets the attributes below and writes what is abstract. model_asked_for: the
    model's name in requests.
    """

    service: str  # what messages call it
    endpoint: str
    endpoint_setting: str  # the setting that holds it
    model_asked_for: str

    # What the service takes in one request. A token is at least one byte of UTF-8, so a
    # text of as many bytes is never too long, whatever its language.
    max_texts: int
    max_tokens: int
    max_tokens_of_a_text: int
    # Somebody waits for a single text: after one attempt the search goes by keywords.
    text_seconds: float = 10.0

    def __init__(self) -> None:
        self.lock = threading.Lock()

    @abstractmethod
    def make_client(self) -> OpenAI:
        """Return a client; it connects with its first request."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return what each request asks for besides, such as `dimensions`."""

    @abstractmethod
    def advice(self, status: int) -> str:
        """Return what to do about an answer with a status that is an error, or ""."""

    @abstractmethod
    def other_dimension(self, size: int) -> WrongDimension:
        """Return what to do about vectors of *size* numbers, which is the wrong one."""

    def start(self) -> None:
        """Embed a word, to see that the service answers, and with the right vectors.

        By a client of its own: workers that are forked later share no connection.
        """
        with self.make_client() as client:
            self.embed_some(["ready?"], client)

    def vectors(self, texts: Sequence[str]) -> list[Vector]:
        client = self.client()
        return [
            vector
            for request in self.requests(texts)
            for vector in self.embed_some(request, client)
        ]

    def client(self) -> OpenAI:
        """Return the one client of this process."""
        with self.lock:
            return self.made_client

    @cached_property
    def made_client(self) -> OpenAI:
        return self.make_client()

    def requests(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Yield *texts* in order, in lists that the service takes in one request."""
        some: list[str] = []
        room = self.max_tokens
        for text in texts:
            size = min(len(text.encode()), self.max_tokens_of_a_text)
            if some and (size > room or len(some) == self.max_texts):
                yield some
                some, room = [], self.max_tokens
            some.append(text)
            room -= size
        if some:
            yield some

    def embed_some(self, texts: Sequence[str], client: OpenAI) -> list[Vector]:
        """Return the vectors of texts that should fit into one request.

        If the service finds them too large all the same, it gets them in halves. A
        single text that is too long is cut, as other models cut it.
        """
        from openai import APIStatusError

        try:
            return self.ask(texts, client)
        except APIStatusError as err:
            if err.status_code not in TOO_LARGE:
                raise self.refused(err) from err
            if len(texts) > 1:
                half = len(texts) // 2
                first = self.embed_some(texts[:half], client)
                return first + self.embed_some(texts[half:], client)
            short = cut(texts[0], self.max_tokens_of_a_text)
            if short == texts[0]:
                raise self.refused(err) from err
            return self.embed_some([short], client)

    def ask(self, texts: Sequence[str], client: OpenAI) -> list[Vector]:
        """Return the service's answer to one request, in the order of *texts*.

        Raises APIStatusError when the service refuses, EmbeddingError otherwise.
        """
        from openai import APIConnectionError, APIStatusError, OpenAIError

        waits = len(texts) > 1
        try:
            answer = client.with_options(
                max_retries=RETRIES if waits else 0,
                timeout=BATCH_SECONDS if waits else self.text_seconds,
            ).embeddings.create(
                model=self.model_asked_for, input=list(texts), **self.options()
            )
        except APIStatusError:
            raise
        except APIConnectionError as err:
            raise EmbeddingError(
                f"{self.endpoint} does not answer ({err.__cause__ or err}). Check "
                f"{self.endpoint_setting} and the network, or try again later.",
                permanent=False,
            ) from err
        # The client raises ValueError for a body that is not JSON or has no vectors,
        # and AttributeError for one that does not say it is JSON.
        except (OpenAIError, ValueError, AttributeError) as err:
            raise self.odd_answer(str(err)) from err
        return self.read(answer, len(texts))

    def read(self, answer: CreateEmbeddingResponse, count: int) -> list[Vector]:
        """Return the vectors of an answer in the order of the texts.

        Raises EmbeddingError for an answer of another model or shape: a vector that
        belongs to another text would be found for years.
        """
        import numpy as np

        try:
            self.check_model(answer.model)
            vectors = {
                item.index: np.array(item.embedding, dtype=np.float32)
                for item in answer.data
            }
        # The client checks no type of what it read.
        except (AttributeError, TypeError, ValueError) as err:
            raise self.odd_answer(str(err)) from err
        if len(answer.data) != count or set(vectors) != set(range(count)):
            raise self.odd_answer(f"{len(answer.data)} vectors for {count} texts")
        for vector in vectors.values():
            if vector.shape != (self.dimensions,):
                raise self.other_dimension(vector.size)
        return [vectors[position] for position in range(count)]

    def check_model(self, model: str) -> None:
        """Raise EmbeddingError if the model that answered is not the one meant."""

    def odd_answer(self, what: str) -> EmbeddingError:
        what = " ".join(what.split())[:300]
        return EmbeddingError(
            f"{self.endpoint} gave an answer that makes no sense: {what}",
            permanent=False,
        )

    def refused(self, err: APIStatusError) -> EmbeddingError:
        """Return what to do about an answer with a status that is an error."""
        status = err.status_code
        return EmbeddingError(
            f"{self.service} answered {status}: {reason(err)} "
            f"{self.advice(status)}".rstrip(),
            permanent=status < 500 and status not in (408, 409, 429),
        )


def cut(text: str, size: int) -> str:
    """Return the beginning of *text*, at most *size* bytes of UTF-8."""
    return text.encode()[:size].decode(errors="ignore")


def reason(err: APIStatusError) -> str:
    """Return what the service says, in one line."""
    message = err.body.get("message") if isinstance(err.body, dict) else err.body
    return " ".join(str(message or err.message).split())[:300]
