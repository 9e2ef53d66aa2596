"""`manage.py calibrate`: measure from which similarity on a product is a match."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandParser

from products.embeddings import EmbeddingError
from products.management.base import ShopCommand
from products.models import EmbeddingRecipe
from products.quality.calibration import CalibrationError, calibrate


class Command(ShopCommand):
    expected = (EmbeddingError, CalibrationError)
    help = (
        "Measure how near meaningless texts come to the products, and store the "
        "similarity that a match must reach. Run it after the catalogue has changed "
        "much; it takes seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_database_argument(parser, "The database to work in.")

    def handle(self, *, database: str, **options: Any) -> None:
        calibration = calibrate(using=database)
        default = EmbeddingRecipe.objects.current(database).embedder().default_floor
        self.stdout.write(
            f"Tried {calibration.samples} meaningless texts on "
            f"{calibration.products:,} products embedded by {calibration.fingerprint}."
        )
        origin = (
            "which is the default of the model: few texts came as near"
            if calibration.floor == default
            else f"instead of the default {default:.3f} of the model"
        )
        self.stdout.write(
            self.style.SUCCESS(
                f"A search by meaning finds nothing unless its best product has a "
                f"similarity of {calibration.floor:.3f}, {origin}."
            )
        )
