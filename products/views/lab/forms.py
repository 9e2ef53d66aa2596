"""What the pages of the lab are asked, checked."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from products.embeddings.text import TEXT_FIELDS
from products.insight.added import BESIDE
from products.models import Product
from products.search.nearest import MAX_EF_SEARCH

MISSING = {
    "invalid_choice": _("There is no such product. Choose one of the list."),
    "required": _("Choose a product."),
}
SHARES = {"0.01": "1 %", "0.05": "5 %", "0.1": "10 %", "0.25": "25 %"}
MAX_TEXT = 2_000  # characters


class LabForm(forms.Form):
    """A form whose errors are shown as sentences."""

    def error_texts(self) -> list[str]:
        """Return what is wrong, without the names of the fields."""
        return [str(text) for texts in self.errors.values() for text in texts]


def product_field() -> forms.ModelChoiceField[Product]:
    """Return the field for a product by its id."""
    products = Product.objects.for_display()
    return forms.ModelChoiceField(products, error_messages=MISSING)


class PairForm(LabForm):
    """Two products, whose embeddings are compared."""

    a = product_field()
    b = product_field()


class ProductChoiceForm(LabForm):
    """A product, whose neighbours are looked at."""

    product = product_field()


class PreparedForm(LabForm):
    """One of the prepared products."""

    sku = forms.ChoiceField(
        choices=[(sku, sku) for sku in BESIDE],
        error_messages={"invalid_choice": _("There is no such prepared product.")},
    )


class EfSearchForm(LabForm):
    """How many candidates the index keeps."""

    ef_search = forms.IntegerField(
        min_value=1,
        max_value=MAX_EF_SEARCH,
        error_messages={
            code: _("ef_search must be a whole number from 1 to 1,000.")
            for code in ("invalid", "min_value", "max_value", "required")
        },
    )


class ShareForm(LabForm):
    """Which share of the products a filter keeps."""

    share = forms.ChoiceField(
        choices=list(SHARES.items()),
        error_messages={
            code: _("Choose one of the shares of the list.")
            for code in ("invalid_choice", "required")
        },
    )


class TextForm(LabForm):
    """The text of a product of one's own."""

    name = forms.CharField(
        label=_("Name"),
        max_length=300,
        error_messages={"required": _("Type a name.")},
    )
    category = forms.CharField(label=_("Category"), max_length=200, required=False)
    description = forms.CharField(
        label=_("Description"),
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def typed(self) -> dict[str, str]:
        """Return the checked text, by the fields of a product."""
        return {name: self.cleaned_data[name] for name in TEXT_FIELDS}
