"""Any model behind OpenAI's interface: Ollama, vLLM, TEI, llama.cpp, OpenAI itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from products.embeddings.base import FINGERPRINT_LENGTH, WrongDimension
from products.embeddings.openai_requests import OpenAIBackend

if TYPE_CHECKING:
    from openai import OpenAI


# The client asks for a key, and else takes one that the environment has for OpenAI.
NO_KEY = "none"


class EmbeddingBackend(OpenAIBackend):
    """Embeds by the model EMBEDDING_MODEL at the address EMBEDDING_URL.

    With the key EMBEDDING_API_KEY, if there is one. With EMBEDDING_SHORTEN the service is
    asked for vectors of 384 numbers, which a model must have been trained for. Raises
    ImproperlyConfigured for settings that cannot work.
    """

    endpoint_setting = "EMBEDDING_URL"

    # Of those servers, TEI takes the fewest texts unless it is told otherwise; many of
    # their models read 512 tokens.
    batch_size = 32
    max_texts = 32
    max_tokens = 32 * 512
    max_tokens_of_a_text = 512

    def __init__(self) -> None:
        super().__init__()
        self.endpoint = self.service = checked_url(settings.EMBEDDING_URL)
        self.model = self.model_asked_for = settings.EMBEDDING_MODEL
        if not self.model:
            raise ImproperlyConfigured(
                "EMBEDDING_MODEL is empty. Set it to the name by which "
                f"{self.endpoint} knows the model, see {self.endpoint}models"
            )
        if len(self.fingerprint) > FINGERPRINT_LENGTH:
            raise ImproperlyConfigured(
                f"EMBEDDING_MODEL={self.model} is too long for the recipe that each "
                "product keeps. Let the server give the model a shorter name, such as "
                "by --served-model-name of vLLM or --alias of llama.cpp."
            )

    def options(self) -> dict[str, Any]:
        from openai import Omit

        # Each of those servers knows "float", and not all "base64".
        options: dict[str, Any] = {"encoding_format": "float"}
        if settings.EMBEDDING_SHORTEN:
            options["dimensions"] = self.dimensions
        if not settings.EMBEDDING_API_KEY:
            options["extra_headers"] = {"Authorization": Omit()}
        return options

    def other_dimension(self, size: int) -> WrongDimension:
        advice = (
            "The server did not shorten them: set EMBEDDING_SHORTEN=false and"
            if settings.EMBEDDING_SHORTEN
            else "Set EMBEDDING_SHORTEN=true if the model can be shortened, or"
        )
        return WrongDimension(
            f"The model {self.model} gave vectors of {size} numbers, not "
            f"{self.dimensions}. {advice} choose a model of {self.dimensions} numbers "
            "(EMBEDDING_MODEL)."
        )

    def advice(self, status: int) -> str:
        return {
            400: "Check EMBEDDING_MODEL, and EMBEDDING_SHORTEN: not every model can be "
            "shortened.",
            401: "Check EMBEDDING_API_KEY.",
            403: "Check EMBEDDING_API_KEY, and whether it may use the model.",
            404: f"Check EMBEDDING_MODEL={self.model}, which the server must have "
            f"loaded, and EMBEDDING_URL={self.endpoint}, which ends with /v1 as a rule.",
            429: "The server has too much to do: try again later.",
        }.get(status, "")

    def make_client(self) -> OpenAI:
        from openai import OpenAI

        return OpenAI(
            base_url=self.endpoint, api_key=settings.EMBEDDING_API_KEY or NO_KEY
        )


def checked_url(url: str) -> str:
    """Return the address below which a server has `embeddings`, with a "/" at its end.

    Raises ImproperlyConfigured for anything else, without the text, which may hold a
    password.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # such as a port that is no number
        sound = False
    if not sound or "@" in parts.netloc or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "EMBEDDING_URL is not the address of a server. Set it to one such as "
            "http://localhost:11434/v1; a key belongs into EMBEDDING_API_KEY."
        )
    return f"{url.rstrip('/')}/"
