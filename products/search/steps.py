"""What the statements of a search are for, in the order in which they run."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Step(models.TextChoices):
    """The name under which a statement is recorded, see products.sql.watch.named()."""

    RECIPE = "recipe", _("The recipe in use")
    EXAMPLES = "examples", _("The vectors of the examples")
    WORDS = "words", _("The words of the query")
    WITH_WORD = "with_word", _("Products with a word")
    COUNT = "count", _("How many products there are to compare")
    NEAREST = "nearest", _("The nearest products")
    SORTED = "sorted", _("The order of the best")
    VARIETY = "variety", _("The vectors that are varied")
    SKU = "sku", _("The product whose sku is the text")
    SPELLING = "spelling", _("The words of the catalogue")
    LISTING = "listing", _("A page of the catalogue")
    PRODUCTS = "products", _("The products of the page")
    WRITTEN = "written", _("The words as the products write them")
