"""Forms: what people type into the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from products.models import Product, make_sku

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Product]
else:  # not subscriptable when it runs
    ModelForm = forms.ModelForm


class ProductForm(ModelForm):
    """Adds a product of one's own; its article number is made from its name."""

    class Meta:
        model = Product
        fields = ["name", "category", "description", "price"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "price": forms.NumberInput(attrs={"min": "0", "step": "0.01"}),
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Product.objects.filter(sku=make_sku(name)).exists():
            raise ValidationError(already_exists(name))
        return name

    def save_product(self, *, embed: bool = True) -> bool:
        """Save the product and return whether that worked.

        False, with an error on the field `name`, when another request added the same
        product after this form was checked. Raises EmbeddingError before anything is
        written; with embed=False nothing is embedded.
        """
        product: Product = self.instance
        try:
            with transaction.atomic():
                product.save(embed=embed)
        except IntegrityError:
            self.add_error("name", already_exists(product.name))
            return False
        return True


def already_exists(name: str) -> str:
    """Return the message for a product that is in the catalogue already."""
    return f"Product '{name}' already exists"


class SimilarForm(forms.Form):
    """Chooses the product to find similar ones of."""

    product = forms.ModelChoiceField(
        queryset=Product.objects.only("name").order_by("name", "pk"),
        empty_label="Choose a product",
        error_messages={
            "required": "Choose a product.",
            "invalid_choice": "There is no such product. Choose one of the list.",
        },
    )


class NewProductForm(forms.Form):
    """Chooses one of the prepared products to add."""

    sku = forms.ChoiceField(
        label="Product",
        error_messages={"invalid_choice": "There is no such prepared product."},
    )

    def __init__(
        self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sku"].choices = choices  # type: ignore[attr-defined]
