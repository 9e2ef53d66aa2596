"""System checks of what is embedded, and by which recipe."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import CheckMessage, Warning as CheckWarning

from products.embeddings import get_backend
from products.models import EmbeddingRecipe, Product

LOST = (
    "Run manage.py embed_products: until then no search finds those of the other "
    "recipe. To change the model without that gap, set EMBEDDING_BACKEND back and run "
    "manage.py migrate_embeddings --to {backend}"
)


def check_states(alias: str) -> list[CheckMessage]:
    """Return W010 when products need embedding, with how many of each state there are.

    One statement, which reads all rows.
    """
    states = Product.objects.using(alias).embedding_states()
    total = sum(states.values())
    if states["fresh"] == total:
        return []
    hint = "Run manage.py embed_products, or keep embed_products --watch running."
    if states["other_recipe"]:
        hint = LOST.format(backend=settings.EMBEDDING_BACKEND)
    return [
        CheckWarning(
            f"Of {total} products, {states['missing']} have no embedding, "
            f"{states['stale']} have changed since, and {states['other_recipe']} are "
            "embedded by another recipe.",
            hint=hint,
            id="products.W010",
        )
    ]


def check_agreement(alias: str) -> list[CheckMessage]:
    """Return W011 when the setting names another backend than the database."""
    recipe = EmbeddingRecipe.objects.using(alias).first()
    configured = settings.EMBEDDING_BACKEND
    if recipe is None or recipe.backend == configured:
        return []
    message = (
        f"EMBEDDING_BACKEND is {configured}; the products are embedded by "
        f"{recipe.backend}, and all processes go on using that."
    )
    hint = f"Set EMBEDDING_BACKEND={recipe.backend}"
    if recipe.fingerprint != get_backend().fingerprint:
        hint += f", or run manage.py migrate_embeddings --to {configured}"
    return [CheckWarning(message, hint=hint, id="products.W011")]
