"""text-embedding-3-small in Azure OpenAI: many languages, a request for each batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from products.embeddings.base import BaseEmbeddingBackend, EmbeddingError

if TYPE_CHECKING:
    from openai import APIStatusError, AzureOpenAI
    from openai.types import CreateEmbeddingResponse

SCOPE = "https://cognitiveservices.azure.com/.default"
ROLE = "Cognitive Services OpenAI User"

# What the service takes in one request. A token is at least one byte of UTF-8, so a
# text of as many bytes is never too long, whatever its language. See
# https://learn.microsoft.com/azure/ai-services/openai/how-to/embeddings
MAX_TEXTS = 2048
MAX_TOKENS = 300_000
MAX_TOKENS_OF_A_TEXT = 8192

# A batch can wait: the client then tries again after 0.5 s, 1 s, 2 s ... or what the
# service's Retry-After says, up to two minutes.
RETRIES = 5
BATCH_SECONDS = 60.0
# Somebody waits for a single text: after one attempt the search goes by keywords.
TEXT_SECONDS = 10.0

TOO_LARGE = (400, 413)


class EmbeddingBackend(BaseEmbeddingBackend):
    """Embeds by a deployment of text-embedding-3-small, shortened to 384 numbers.

    Settings: AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT and
    AZURE_OPENAI_API_VERSION. Signs in with Microsoft Entra ID, as azure-identity
    finds it (a managed identity, `az login` and others), unless AZURE_OPENAI_API_KEY
    is set. Raises ImproperlyConfigured for settings that cannot work.
    """

    model = "text-embedding-3-small"
    batch_size = 256

    def __init__(self) -> None:
        self.endpoint = checked_endpoint(settings.AZURE_OPENAI_ENDPOINT)
        self.deployment = settings.AZURE_OPENAI_DEPLOYMENT
        if not self.deployment:
            raise ImproperlyConfigured(
                "AZURE_OPENAI_DEPLOYMENT is empty. Set it to the name of a deployment "
                f"of {self.model}."
            )
        self.lock = threading.Lock()

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        return [
            vector for request in requests(texts) for vector in self.embed_some(request)
        ]

    def embed_some(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of texts that should fit into one request.

        If the service finds them too large all the same, it gets them in halves. A
        single text that is too long is cut, as other models cut it.
        """
        from openai import APIStatusError

        try:
            return self.ask(texts)
        except APIStatusError as err:
            if err.status_code not in TOO_LARGE:
                raise self.refused(err) from err
            if len(texts) > 1:
                half = len(texts) // 2
                return self.embed_some(texts[:half]) + self.embed_some(texts[half:])
            short = cut(texts[0], MAX_TOKENS_OF_A_TEXT)
            if short == texts[0]:
                raise self.refused(err) from err
            return self.embed_some([short])

    def ask(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the service's answer to one request, in the order of *texts*.

        Raises APIStatusError when the service refuses, EmbeddingError otherwise.
        """
        from azure.core.exceptions import AzureError
        from openai import APIConnectionError, APIStatusError, OpenAIError

        waits = len(texts) > 1
        try:
            answer = (
                self.client()
                .with_options(
                    max_retries=RETRIES if waits else 0,
                    timeout=BATCH_SECONDS if waits else TEXT_SECONDS,
                )
                .embeddings.create(
                    model=self.deployment,
                    input=list(texts),
                    dimensions=self.dimensions,
                )
            )
        except APIStatusError:
            raise
        except APIConnectionError as err:
            raise EmbeddingError(
                f"{self.endpoint} does not answer ({err.__cause__ or err}). Check "
                "AZURE_OPENAI_ENDPOINT and the network, or try again later.",
                permanent=False,
            ) from err
        except AzureError as err:
            raise EmbeddingError(
                f"No token for {self.endpoint}: {err.message} Run `az login` on your "
                "own machine; on Azure give the app a managed identity with the role "
                f"{ROLE}.",
                permanent=not is_passing(err),
            ) from err
        # The client raises ValueError for a body that is not JSON or has no vectors.
        except (OpenAIError, ValueError) as err:
            raise self.odd_answer(str(err)) from err
        return self.read(answer, len(texts))

    def read(self, answer: CreateEmbeddingResponse, count: int) -> list[list[float]]:
        """Return the vectors of an answer in the order of the texts.

        Raises EmbeddingError for an answer of another model or shape: a vector that
        belongs to another text would be found for years.
        """
        if not answer.model.startswith(self.model):
            raise EmbeddingError(
                f"The deployment {self.deployment} serves {answer.model}, not "
                f"{self.model}. Set AZURE_OPENAI_DEPLOYMENT to one of {self.model}."
            )
        vectors = {item.index: item.embedding for item in answer.data}
        if len(answer.data) != count or set(vectors) != set(range(count)):
            raise self.odd_answer(f"{len(answer.data)} vectors for {count} texts")
        sizes = {len(vector) for vector in vectors.values()}
        if sizes != {self.dimensions}:
            raise EmbeddingError(
                f"The deployment {self.deployment} gave vectors of {sorted(sizes)} "
                f"numbers, not {self.dimensions}. Set AZURE_OPENAI_API_VERSION to one "
                "that knows `dimensions`, such as 2024-10-21."
            )
        return [vectors[position] for position in range(count)]

    def odd_answer(self, what: str) -> EmbeddingError:
        return EmbeddingError(
            f"{self.endpoint} gave an answer that makes no sense: {what}",
            permanent=False,
        )

    def refused(self, err: APIStatusError) -> EmbeddingError:
        """Return what to do about an answer with a status that is an error."""
        status = err.status_code
        advice = {
            401: f"Give the identity the role {ROLE} on the resource (it takes some "
            "minutes), or correct AZURE_OPENAI_API_KEY.",
            403: f"Give the identity the role {ROLE} on the resource, and let this "
            "network in.",
            404: f"Check AZURE_OPENAI_DEPLOYMENT={self.deployment} and "
            f"AZURE_OPENAI_API_VERSION={settings.AZURE_OPENAI_API_VERSION}.",
            429: "The deployment's quota is used up for now: try again later, or "
            "raise its tokens per minute.",
        }.get(status, "")
        return EmbeddingError(
            f"Azure OpenAI answered {status}: {reason(err)} {advice}".rstrip(),
            permanent=status < 500 and status not in (408, 409, 429),
        )

    def client(self) -> AzureOpenAI:
        """Return the one client of this process; it connects with its first request."""
        with self.lock:
            return self.made_client

    @cached_property
    def made_client(self) -> AzureOpenAI:
        from openai import AzureOpenAI

        # The key and token are not bound to names: error pages print local variables.
        return AzureOpenAI(
            azure_endpoint=self.endpoint,
            azure_deployment=self.deployment,
            api_version=settings.AZURE_OPENAI_API_VERSION,
            api_key=settings.AZURE_OPENAI_API_KEY or None,
            azure_ad_token_provider=(
                None if settings.AZURE_OPENAI_API_KEY else token_provider()
            ),
        )


def token_provider() -> Callable[[], str]:
    """Return a function that gives an Entra token and keeps it until near its end."""
    from azure.identity import DefaultAzureCredential, get_bearer_token_provider

    # `az` takes a second as a rule, and more than the default of 10 s on a bad day.
    return get_bearer_token_provider(DefaultAzureCredential(process_timeout=30), SCOPE)


def is_passing(err: Exception) -> bool:
    """Return whether an error of azure-identity comes from the network."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    return isinstance(err, ServiceRequestError | ServiceResponseError)


def checked_endpoint(url: str) -> str:
    """Return the address of an Azure OpenAI resource.

    Raises ImproperlyConfigured for anything but https://host/: texts and tokens are
    sent there. This machine's own addresses may do without TLS.
    """
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    schemes = ("http", "https") if local else ("https",)
    if parts.scheme not in schemes or not parts.hostname or parts.path not in ("", "/"):
        raise ImproperlyConfigured(
            f"AZURE_OPENAI_ENDPOINT={url!r} is not the address of a resource. Set it to "
            "https://<resource>.openai.azure.com/, without a path."
        )
    return f"{parts.scheme}://{parts.netloc}/"


def requests(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield *texts* in order, in lists that the service takes in one request."""
    some: list[str] = []
    room = MAX_TOKENS
    for text in texts:
        size = min(len(text.encode()), MAX_TOKENS_OF_A_TEXT)
        if some and (size > room or len(some) == MAX_TEXTS):
            yield some
            some, room = [], MAX_TOKENS
        some.append(text)
        room -= size
    if some:
        yield some


def cut(text: str, size: int) -> str:
    """Return the beginning of *text*, at most *size* bytes of UTF-8."""
    return text.encode()[:size].decode(errors="ignore")


def reason(err: APIStatusError) -> str:
    """Return what the service says, in one line."""
    message = err.body.get("message") if isinstance(err.body, dict) else None
    return " ".join(str(message or err.message).split())[:300]
