"""Forms: what people type into the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy as _

from products.embeddings.text import TEXT_FIELDS
from products.insight.map import Kind
from products.logged import MAX_POSITION
from products.models import Product, make_sku
from products.pictures.form import PictureForm
from products.plain_text import tidy
from products.search import Filters, Mode, Sort
from products.search.question import MAX_EXAMPLES, MAX_TEXT, too_many_examples
from products.sql.prepared import MAX_ID

# The model reads the first few hundred words of a text anyway.
MAX_PREVIEW = 20_000  # characters

MAX_WITHIN = 200  # characters, as many as a category has

if TYPE_CHECKING:
    ModelMultipleChoiceField = forms.ModelMultipleChoiceField[Product]
else:  # not subscriptable when it runs
    ModelMultipleChoiceField = forms.ModelMultipleChoiceField


class ProductForm(PictureForm):
    """Adds a product of one's own; its article number is made from its name.

    existing: the product that has this article number already, None before the check.
    """

    existing: Product | None = None

    class Meta:
        model = Product
        fields = ["name", "category", "description", "price", "image"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "price": forms.NumberInput(attrs={"min": "0", "step": "0.01"}),
            "image": forms.URLInput,
        }
        labels = {"image": _("Picture from an address")}
        help_texts = {"image": _("The address of a picture, beginning with https://.")}

    field_order = ["name", "category", "description", "price", "image_file", "image"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.IMAGE_HOSTS:  # no address would be shown
            self.fields["image"].widget = forms.HiddenInput()

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        same = Product.objects.for_display().filter(sku=make_sku(name))
        self.existing = same.first()
        if self.existing:
            raise ValidationError(already_exists(name))
        return name

    def typed_text(self) -> dict[str, str]:
        """Return the fields of the text as they are typed, checked or not."""
        return {
            name: str(self.data.get(name, "")).replace("\0", "")[:MAX_PREVIEW]
            for name in TEXT_FIELDS
        }

    def save_product(self, *, embed: bool = True) -> bool:
        """Save the product and return whether that worked.

        False, with an error on the field `name`, when another request added the same
        product after this form was checked. Raises EmbeddingError before anything is
        written; with embed=False nothing is embedded.
        """
        product: Product = self.save(commit=False)
        try:
            with transaction.atomic():
                product.save(embed=embed)
        except IntegrityError:
            self.add_error("name", already_exists(product.name))
            return False
        return True


def already_exists(name: str) -> str:
    """Return the message for a product that is in the catalogue already."""
    return gettext("Product '%(name)s' already exists") % {"name": name}


class CategoriesField(forms.MultipleChoiceField):
    """Any categories. One that no product has finds nothing and is not an error."""

    def valid_value(self, value: str) -> bool:
        return "\0" not in value


class ExamplesField(ModelMultipleChoiceField):
    """Example products by id, without their vectors; at most 20."""

    def clean(self, value: Any) -> Any:
        if len(value or ()) > MAX_EXAMPLES:
            raise ValidationError(too_many_examples())
        return super().clean(value)


def examples_field() -> ExamplesField:
    """Return the field for the products that are wanted, or not wanted."""
    return ExamplesField(
        queryset=Product.objects.for_display(),
        required=False,
        error_messages={
            "invalid_choice": _("There is no product number %(value)s."),
            "invalid_pk_value": _("There is no product number %(pk)s."),
        },
    )


def price_field(label: Any) -> forms.DecimalField:
    """Return the field for one end of the price range."""
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        widget=forms.NumberInput(
            attrs={"min": "0", "step": "any", "inputmode": "decimal", "form": "search"}
        ),
    )


class QuestionForm(forms.Form):
    """A question in an address; its errors are shown in one place."""

    @classmethod
    def asked(cls, data: QueryDict) -> Self | None:
        """Return the form of an address, None where it asks for nothing, as most do.

        Making and checking a form takes a large part of such a page.
        """
        return None if data.keys().isdisjoint(cls.base_fields) else cls(data)

    def error_texts(self) -> list[str]:
        """Return what is wrong, each with the name of its field."""
        return [
            f"{self.fields[name].label}: {text}"
            if name in self.fields and self.fields[name].label
            else str(text)
            for name, texts in self.errors.items()
            for text in texts
        ]


class SearchForm(QuestionForm):
    """A question, as it stands in the address of a results page."""

    q = forms.CharField(label=_("Search"), required=False, max_length=MAX_TEXT)
    category = CategoriesField(label=_("Category"), required=False)
    min_price = price_field(_("Lowest price"))
    max_price = price_field(_("Highest price"))
    mode = forms.ChoiceField(label=_("Search by"), required=False, choices=Mode.choices)
    sort = forms.ChoiceField(
        label=_("Sort by"),
        required=False,
        choices=Sort.choices,
        widget=forms.Select(attrs={"form": "search"}),
    )
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)
    like = examples_field()
    unlike = examples_field()
    diversity = forms.FloatField(
        label=_("Variety"), required=False, min_value=0, max_value=1
    )

    # Which categories the page offers: all of them, those with a text in their name.
    all_categories = forms.BooleanField(required=False)
    within = forms.CharField(
        label=_("Find a category"), required=False, max_length=MAX_WITHIN
    )

    # The text that is searched for as it is typed: another one may be corrected.
    literal = forms.CharField(required=False, max_length=MAX_TEXT)

    def clean_q(self) -> str:
        return tidy(self.cleaned_data["q"])

    def filters(self) -> Filters:
        """Return what the checked question is narrowed to. Raises SearchError."""
        return Filters(
            categories=tuple(self.cleaned_data["category"]),
            min_price=self.cleaned_data["min_price"],
            max_price=self.cleaned_data["max_price"],
        )

    def question(self) -> dict[str, Any]:
        """Return the checked question as the arguments of search()."""
        data = self.cleaned_data
        return {
            "text": data["q"],
            "filters": self.filters(),
            "mode": data["mode"] or Mode.HYBRID,
            "like": tuple(data["like"]),
            "unlike": tuple(data["unlike"]),
            "diversity": data["diversity"] or 0.0,
            "sort": data["sort"] or Sort.RELEVANCE,
            "page": data["page"] or 1,
            "literal": bool(data["q"]) and tidy(data["literal"]) == data["q"],
        }


class ClickForm(forms.Form):
    """From which search a visitor opened a product, and from which place in it.

    The links of a results page say so, while the search log is on.
    """

    query_id = forms.UUIDField()
    position = forms.IntegerField(min_value=1, max_value=MAX_POSITION)

    @classmethod
    def of(cls, data: QueryDict) -> dict[str, Any] | None:
        """Return what an address says of that; None where it says nothing that can be."""
        if "query_id" not in data:  # as on most pages
            return None
        form = cls(data)
        return form.cleaned_data if form.is_valid() else None


class WhyNotForm(QuestionForm):
    """The product that is missing from the results, by its sku or its name."""

    why_not = forms.CharField(label=_("Product"), required=False, max_length=MAX_TEXT)

    def text(self) -> str:
        """Return what was typed, "" if it cannot be looked for."""
        return tidy(self.cleaned_data["why_not"]) if self.is_valid() else ""


class VarietyForm(QuestionForm):
    """Which of a product's similar ones are shown."""

    same_category = forms.BooleanField(label=_("Same category only"), required=False)
    diversity = forms.FloatField(
        label=_("Variety"), required=False, min_value=0, max_value=1
    )

    def question(self, product: Product) -> dict[str, Any]:
        """Return the checked form as arguments of search()."""
        same = self.cleaned_data["same_category"]
        return {
            "filters": Filters(categories=(product.category,) if same else ()),
            "diversity": self.cleaned_data["diversity"] or 0.0,
        }


def judged_field(label: Any) -> forms.ModelChoiceField[Product]:
    """Return the field of one of the buttons that judge a product."""
    return forms.ModelChoiceField(
        Product.objects.for_display(), required=False, label=label
    )


class JudgementForm(forms.Form):
    """Whether a product answers a query: one of two buttons was pressed.

    back: the question of the page to return to.
    """

    query = forms.CharField(label=_("Search"), max_length=MAX_TEXT)
    back = forms.CharField(label=_("Page"), required=False, max_length=10_000)
    relevant = judged_field(_("Relevant"))
    irrelevant = judged_field(_("Not relevant"))

    def clean_query(self) -> str:
        return tidy(self.cleaned_data["query"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not (data.get("relevant") or data.get("irrelevant")) and not self.errors:
            raise ValidationError(_("Say which product you judge."))
        return data

    @property
    def product(self) -> Product:
        """The judged product of a checked form."""
        product: Product = (
            self.cleaned_data["relevant"] or self.cleaned_data["irrelevant"]
        )
        return product

    @property
    def grade(self) -> int:
        """1 for a relevant product, 0 for another."""
        return int(self.cleaned_data["relevant"] is not None)


class NewProductForm(forms.Form):
    """Chooses one of the prepared products to add."""

    sku = forms.ChoiceField(
        label=_("Product"),
        error_messages={"invalid_choice": _("There is no such prepared product.")},
    )

    def __init__(
        self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sku"].choices = choices  # type: ignore[attr-defined]


class MapForm(QuestionForm):
    """What is shown on the map, as it stands in the address of its page.

    That page also says where a visitor looks (`at`); only the browser reads this.
    """

    projection = forms.ChoiceField(
        label=_("Projection"), required=False, choices=Kind.choices
    )
    product = forms.IntegerField(
        label=_("Product"), required=False, min_value=1, max_value=MAX_ID
    )
    q = forms.CharField(label=_("Search"), required=False, max_length=MAX_TEXT)
