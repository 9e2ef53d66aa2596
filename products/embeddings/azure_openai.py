"""text-embedding-3-small in Azure OpenAI: many languages, a request for each batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from products.embeddings.base import EmbeddingError, Vector, WrongDimension
from products.embeddings.openai_requests import OpenAIBackend

if TYPE_CHECKING:
    from openai import AzureOpenAI, OpenAI

SCOPE = "https://cognitiveservices.azure.com/.default"
ROLE = "Cognitive Services OpenAI User"


class EmbeddingBackend(OpenAIBackend):
    """Embeds by a deployment of text-embedding-3-small, shortened to 384 numbers.

    Settings: AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT and
    AZURE_OPENAI_API_VERSION. Signs in with Microsoft Entra ID, as azure-identity
    finds it (a managed identity, `az login` and others), unless AZURE_OPENAI_API_KEY
    is set. Raises ImproperlyConfigured for settings that cannot work.
    """

    model = "text-embedding-3-small"
    batch_size = 256
    service = "Azure OpenAI"
    endpoint_setting = "AZURE_OPENAI_ENDPOINT"

    # See https://learn.microsoft.com/azure/ai-services/openai/how-to/embeddings
    max_texts = 2048
    max_tokens = 300_000
    max_tokens_of_a_text = 8192

    def __init__(self) -> None:
        super().__init__()
        self.endpoint = checked_endpoint(settings.AZURE_OPENAI_ENDPOINT)
        self.model_asked_for = self.deployment = settings.AZURE_OPENAI_DEPLOYMENT
        if not self.deployment:
            raise ImproperlyConfigured(
                "AZURE_OPENAI_DEPLOYMENT is empty. Set it to the name of a deployment "
                f"of {self.model}."
            )

    def options(self) -> dict[str, Any]:
        return {"dimensions": self.dimensions}

    def ask(self, texts: Sequence[str], client: OpenAI) -> list[Vector]:
        from azure.core.exceptions import AzureError

        try:
            return super().ask(texts, client)
        except AzureError as err:
            raise EmbeddingError(
                f"No token for {self.endpoint}: {err.message} Run `az login` on your "
                "own machine; on Azure give the app a managed identity with the role "
                f"{ROLE}.",
                permanent=not is_passing(err),
            ) from err

    def check_model(self, model: str) -> None:
        if not model.startswith(self.model):
            raise EmbeddingError(
                f"The deployment {self.deployment} serves {model}, not {self.model}. "
                f"Set AZURE_OPENAI_DEPLOYMENT to one of {self.model}."
            )

    def other_dimension(self, size: int) -> WrongDimension:
        return WrongDimension(
            f"The deployment {self.deployment} gave vectors of {size} numbers, not "
            f"{self.dimensions}. Set AZURE_OPENAI_API_VERSION to one that knows "
            "`dimensions`, such as 2024-10-21."
        )

    def advice(self, status: int) -> str:
        return {
            401: f"Give the identity the role {ROLE} on the resource (it takes some "
            "minutes), or correct AZURE_OPENAI_API_KEY.",
            403: f"Give the identity the role {ROLE} on the resource, and let this "
            "network in.",
            404: f"Check AZURE_OPENAI_DEPLOYMENT={self.deployment} and "
            f"AZURE_OPENAI_API_VERSION={settings.AZURE_OPENAI_API_VERSION}.",
            429: "The deployment's quota is used up for now: try again later, or "
            "raise its tokens per minute.",
        }.get(status, "")

    def make_client(self) -> AzureOpenAI:
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
