"""From which similarity on is the nearest product a match?

A text without meaning has a nearest product as well, and the larger the catalogue, the
nearer that product is. So the floor of the best hit is measured: random letters are
embedded as queries, and the best hit of a real query must be nearer than the best hits
of 95 in 100 of them.
"""

from __future__ import annotations

import random
import string

from products.models import Calibration, EmbeddingRecipe, Product
from products.search.nearest import index_settings, plan_nearest

SAMPLES = 100
QUANTILE = 0.95


# The nearest product is far from nonsense where there are few products: the model's own
# floor does.
CALIBRATED_FROM = 100

# The floor is measured anew when this part of the catalogue changed.
CHANGED = 10  # per cent


class CalibrationError(ValueError):
    """A catalogue that cannot be calibrated; the message says what to do."""


def calibrate(*, using: str) -> Calibration:
    """Measure and store the floor of the recipe in force, and return it.

    Raises EmbeddingError when the backend fails, CalibrationError when no
    product is embedded by it. Embeds 100 short texts and looks each of them up.
    """
    import numpy as np

    backend = EmbeddingRecipe.objects.current(using).embedder()
    products = Product.objects.using(using).embedded(fingerprint=backend.fingerprint)
    if not products.exists():
        raise CalibrationError(
            "No product is embedded yet. Run manage.py embed_products."
        )
    plan = plan_nearest(products, limit=1)
    nearest = []
    for vector in backend.embed_queries(meaningless_texts(SAMPLES)):
        with index_settings(plan, using=using):
            hits = products.nearest_to(
                vector.tolist(), fingerprint=backend.fingerprint, exact=plan.exact
            )
            [distance] = hits.values_list("distance", flat=True)[:1]  # type: ignore[misc]
        nearest.append(1 - distance)
    floor = max(backend.default_floor, float(np.quantile(nearest, QUANTILE)))
    calibration, _ = Calibration.objects.using(using).update_or_create(
        fingerprint=backend.fingerprint,
        defaults={"floor": floor, "products": products.count(), "samples": SAMPLES},
    )
    return calibration


def keep_calibrated(*, using: str) -> Calibration | None:
    """Measure the floor anew if that is due; return it, or None if it was not.

    It is due when a tenth of the catalogue changed, and where nothing was measured for
    the recipe in force; never for fewer than 100 embedded products. Raises
    EmbeddingError when the backend fails.
    """
    return calibrate(using=using) if is_calibration_due(using=using) else None


def is_calibration_due(*, using: str) -> bool:
    """Return whether the floor should be measured anew; counts the table twice."""
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    products = Product.objects.using(using).embedded(fingerprint=fingerprint)
    count = products.count()
    if count < CALIBRATED_FROM:
        return False
    measured = Calibration.objects.using(using).filter(fingerprint=fingerprint).first()
    if measured is None:
        return True
    due = measured.products * CHANGED / 100
    written = products.filter(updated_at__gt=measured.measured_at).count()
    return max(abs(count - measured.products), written) >= due


def calibrated_line(calibration: Calibration) -> str:
    """Return what an automatic calibration did, for the operator."""
    return (
        f"Calibrated the floor of a match: {calibration.floor:.3f} for "
        f"{calibration.products:,} products."
    )


def meaningless_texts(count: int) -> list[str]:
    """Return texts of one to three words of random letters, always the same ones."""
    generator = random.Random(0)

    def word() -> str:
        letters = generator.choices(string.ascii_lowercase, k=generator.randint(4, 8))
        return "".join(letters)

    return [
        " ".join(word() for _ in range(generator.randint(1, 3))) for _ in range(count)
    ]
