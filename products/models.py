"""Product: one article of the catalogue, with its embedding."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxLengthValidator, MinValueValidator
from django.db import DEFAULT_DB_ALIAS, models, router
from django.db.models.functions import Now, Upper
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy as _
from pgvector.django import HnswIndex, VectorField

from products.api_keys import ApiKey
from products.embeddings import BaseEmbeddingBackend, backend_of, get_backend, text
from products.extension import VectorNorm
from products.figures import HourlyFigure, RecallSample
from products.logged import DaySalt, LoggedEvent, LoggedQuery
from products.name_words import NameWords
from products.pictures.reference import MAX_LENGTH, check_reference
from products.plain_text import tidy
from products.querysets import ProductQuerySet
from products.sql.prepared import Given, Prepared
from products.sql.sharding import id_of_sku, is_sharded
from products.sql.words import AllWords, Words
from products.synonyms import Synonym

__all__ = [
    "DIMENSIONS",
    "EMBEDDING_FIELDS",
    "ApiKey",
    "DaySalt",
    "EmbeddingRecipe",
    "HourlyFigure",
    "LoggedEvent",
    "LoggedQuery",
    "NotDuplicate",
    "Product",
    "RecallSample",
    "Synonym",
    "make_sku",
]

DIMENSIONS = 384
MAX_PRICE = Decimal("99999999.99")  # what numeric(10, 2) holds


class RecipeQuerySet(models.QuerySet["EmbeddingRecipe"]):
    """The recipe in force, and no other: the table has at most one row."""

    def current(self, using: str | None = None) -> EmbeddingRecipe:
        """Return the recipe in force: of the database, or else of the settings.

        One read of a table of one row, never cached: it is right also in the moment
        after another process switched.
        """
        using = using or router.db_for_read(self.model)
        recorded = recorded_recipe().objects(1, using=using)
        return (
            recorded[0]
            if recorded
            else EmbeddingRecipe(
                backend=settings.EMBEDDING_BACKEND,
                fingerprint=get_backend().fingerprint,
            )
        )


class EmbeddingRecipe(models.Model):
    """The recipe of the column `embedding`, and that of the second column.

    At most one row, with id 1. The first `manage.py migrate_embeddings` writes it;
    until then the setting EMBEDDING_BACKEND decides, and afterwards the row does, so
    that all processes change together.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    backend = models.CharField(max_length=200)  # the dotted path of a class
    fingerprint = models.CharField(max_length=100)
    # Empty while there is no second column.
    second_backend = models.CharField(max_length=200, blank=True)
    second_fingerprint = models.CharField(max_length=100, blank=True)
    # The second column holds the vectors that were served before the last switch.
    second_is_former = models.BooleanField(default=False)
    # Counted up by every switch, so that a reader notices even two of them.
    switches = models.PositiveIntegerField(default=0)

    objects = RecipeQuerySet.as_manager()

    class Meta:
        db_table = "products_recipe"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="products_recipe_one_row", condition=models.Q(id=1)
            )
        ]

    def __str__(self) -> str:
        return self.fingerprint

    @property
    def is_filling(self) -> bool:
        """Whether the second column is being filled, to be switched to."""
        return bool(self.second_backend) and not self.second_is_former

    def embedder(self) -> BaseEmbeddingBackend:
        """Return the backend of the column `embedding`; see backend_of()."""
        return backend_of(self.backend, self.fingerprint)

    def second_embedder(self) -> BaseEmbeddingBackend:
        """Return the backend of the second column; see backend_of()."""
        return backend_of(self.second_backend, self.second_fingerprint)


@cache
def recorded_recipe() -> Prepared[EmbeddingRecipe]:
    """Return the query for the recipe by its id."""
    fields = [field.attname for field in EmbeddingRecipe._meta.concrete_fields]
    return Prepared.of_objects(EmbeddingRecipe.objects.filter(pk=Given(0)), fields)


EMBEDDING_FIELDS = ("embedding", "embedding_fingerprint", "embedded_hash")


# What a slug may leave out without making two articles one: white space, and the
# punctuation of a sentence. A plus, a hash sign or a decimal point makes them two.
PLAIN_PUNCTUATION = re.compile(r"[\s\-_'’\",:;!?()&–—]|[.](?!\d)")


def make_sku(name: str) -> str:
    """Return an article number made from *name*: at most 200 characters.

    Two spellings that differ only in case, accents or plain punctuation give the same
    one; another script stays as it is. Where the slug leaves more out ("C++" and "C#",
    "1.5 l" and "15 l"), a hash of the name makes it the name's own.
    """
    letters = unicodedata.normalize("NFKD", PLAIN_PUNCTUATION.sub("", name))
    meant = sum(not unicodedata.combining(letter) for letter in letters)
    for sku in (slugify(name), slugify(name, allow_unicode=True)):
        plain = unicodedata.normalize("NFKD", sku.replace("-", "").replace("_", ""))
        kept = sum(not unicodedata.combining(letter) for letter in plain)
        if sku and kept >= meant and len(sku) <= 200:
            return sku
    if not name.strip():
        return ""
    digest = hashlib.sha256(name.casefold().encode()).hexdigest()[:8]
    return f"{slugify(name)[:191] or 'product'}-{digest}"


class EmbeddedText:
    """What is embedded of a product, for each column that holds a vector of it."""

    name: Any
    category: Any
    description: Any
    embedding: Any
    embedding_fingerprint: Any
    embedded_hash: Any

    def embedding_text(self) -> str:
        """Return the text that is embedded."""
        return text.embedding_text(self.name, self.category, self.description)

    def current_text_hash(self) -> str:
        """Return the hash of the text as it is in memory, saved or not."""
        return text.text_hash(self.name, self.category, self.description)

    def set_embedding(self, vector: list[float] | None, fingerprint: str) -> None:
        """Set a vector that was made from the text as it is in memory.

        None: the model knows no word of the text. That is noted, so that nobody tries
        the text again before it or the model changes.
        """
        self.embedding = vector
        if vector is None:
            self.embedding_fingerprint = ""
            self.embedded_hash = self.unknown_hash(fingerprint)
        else:
            self.embedding_fingerprint = fingerprint
            self.embedded_hash = self.current_text_hash()

    def has_no_known_word(self, fingerprint: str) -> bool:
        """Return whether a recipe was tried and its model knows no word of the text."""
        return bool(self.embedded_hash == self.unknown_hash(fingerprint))

    def unknown_hash(self, fingerprint: str) -> str:
        """Return what `embedded_hash` holds where that is so."""
        return text.unknown_hash(fingerprint, self.current_text_hash())


class Product(EmbeddedText, models.Model):
    """An article that can be found by its text and by its likeness to others."""

    sku = models.CharField(
        _("sku"),
        max_length=200,
        unique=True,
        blank=True,
        help_text=_("Your own article number. Left empty, it is made from the name."),
    )
    name = models.CharField(_("name"), max_length=300)
    category = models.CharField(_("category"), max_length=200, blank=True)
    description = models.TextField(
        _("description"), blank=True, validators=[MaxLengthValidator(20_000)]
    )
    price = models.DecimalField(
        _("price"), max_digits=10, decimal_places=2, validators=[MinValueValidator(0)]
    )
    # One text, whether the picture is elsewhere, uploaded or a sample's; products.pictures
    # reads it. So a list, a file of the catalogue, COPY and SQL have one column more, and
    # no two columns can disagree.
    image = models.CharField(
        _("picture"),
        max_length=MAX_LENGTH,
        blank=True,
        default="",
        db_default="",
        validators=[check_reference],
        help_text=_(
            "The address of a picture, beginning with https://, or one of the shop's own: "
            "upload: and the hash of a file that was sent, sample: and the name of a "
            "sample's drawing."
        ),
    )

    # Null: not embedded yet, or of no word that the model knows.
    embedding = VectorField(
        dimensions=DIMENSIONS, null=True, blank=True, editable=False
    )
    # Which recipe made the vector: model, dimensions and text template. Vectors of
    # two recipes must never be compared.
    embedding_fingerprint = models.CharField(
        _("embedding fingerprint"),
        max_length=100,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    # The text_hash of the text that was embedded: differs once the text has changed,
    # whoever changed it. Where the model knows no word of the text, its unknown_hash().
    embedded_hash = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    text_hash = models.GeneratedField(
        expression=text.text_hash_expression(),
        output_field=models.CharField(max_length=32),
        db_persist=True,
    )
    search_vector = models.GeneratedField(
        expression=AllWords(
            Words("name", "A"),
            Words("category", "B"),
            Words("description", "C"),
            Words("sku", "D"),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(
        _("updated at"), auto_now=True, db_default=Now(), editable=False
    )

    objects = ProductQuerySet.as_manager()

    distance: float  # cosine distance, on products of nearest_to()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        db_table = "products"
        ordering = ["name", "pk"]
        indexes = [
            HnswIndex(
                name="products_embedding_idx",
                fields=["embedding"],
                m=16,
                ef_construction=64,
                opclasses=["vector_cosine_ops"],
            ),
            GinIndex(name="products_search_vector_idx", fields=["search_vector"]),
            GinIndex(
                NameWords(models.F("search_vector")), name="products_name_words_idx"
            ),
            models.Index(
                name="products_category_price_idx", fields=["category", "price"]
            ),
            models.Index(name="products_price_idx", fields=["price"]),
            models.Index(name="products_name_idx", fields=["name", "id"]),
            models.Index(name="products_newest_idx", fields=["-created_at", "id"]),
            models.Index(Upper("sku"), name="products_upper_sku_idx"),
        ]
        constraints = [
            # The upper bound also refuses NaN, which PostgreSQL sorts above all numbers.
            models.CheckConstraint(
                name="products_price_range",
                condition=models.Q(price__gte=0, price__lte=MAX_PRICE),
                violation_error_message=_("The price must be zero or more."),
            ),
            models.CheckConstraint(
                name="products_name_filled",
                condition=~models.Q(name=""),
                violation_error_message=_("The name must not be empty."),
            ),
            models.CheckConstraint(
                name="products_sku_filled", condition=~models.Q(sku="")
            ),
            # The cosine distance to a zero vector is not a number.
            models.CheckConstraint(
                name="products_embedding_not_zero",
                condition=models.Q(embedding__isnull=True)
                | models.Q(models.lookups.GreaterThan(VectorNorm("embedding"), 0.0)),
                violation_error_message=_("An embedding must not be the zero vector."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(
        self,
        *,
        embed: bool = True,
        update_fields: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Save the product, after embedding its text where that changed.

        embed: False saves without embedding; `embed_products` does it later.
        Raises EmbeddingError, before anything is written, when the text cannot be
        embedded.
        """
        self.tidy_texts()
        self.sku = self.sku or make_sku(self.name)
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        if embed and self.changes_text(update_fields) and self.embed_if_needed(using):
            if update_fields is not None:
                update_fields = {*update_fields, *EMBEDDING_FIELDS}
        elif update_fields is None and "embedding" in self.get_deferred_fields():
            # A label is written together with its vector or not at all: the vector
            # in the database may be of another recipe by now.
            loaded = self.loaded_fields().difference(EMBEDDING_FIELDS)
            update_fields = {*loaded, "updated_at"}
        if self.pk is None and is_sharded(using):
            kwargs["force_insert"] = True  # with an id Django would first try to update
        super().save(update_fields=update_fields, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("products:detail", args=[self.pk])

    def natural_key(self) -> tuple[str]:
        return (self.sku,)

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        self.tidy_texts()
        super().clean_fields(exclude=exclude)
        self.sku = self.sku or make_sku(self.name)

    def tidy_texts(self) -> None:
        """Trim the texts and bring them to one Unicode form, as an import does.

        Otherwise "SKU1 " would be another product than "SKU1", and "Lamps " another
        category than "Lamps". Texts that were not loaded stay unloaded.
        """
        for name in ("sku", *text.TEXT_FIELDS):
            if name == "sku" and self.keeps_sku:
                continue
            if isinstance(value := self.__dict__.get(name), str):
                setattr(self, name, tidy(value))

    @property
    def keeps_sku(self) -> bool:
        """Whether the sku must stay, since the id of the stored product is made of it."""
        return not self._state.adding and is_sharded(self._state.db or DEFAULT_DB_ALIAS)

    def changes_text(self, update_fields: Iterable[str] | None) -> bool:
        """Return whether a save of *update_fields* writes a column of the text."""
        return update_fields is None or not {*update_fields}.isdisjoint(
            text.TEXT_FIELDS
        )

    def loaded_fields(self) -> set[str]:
        """Return the columns that were read from the database, as save() wants them."""
        return {
            field.name
            for field in self._meta.concrete_fields
            if not field.primary_key and not field.generated
        } - self.get_deferred_fields()

    def needs_embedding(self, recipe: EmbeddingRecipe | None = None) -> bool:
        """Return whether the vector is missing, stale or not of the *recipe* in force."""
        recipe = recipe or EmbeddingRecipe.objects.current(self._state.db)
        return not self.has_no_known_word(recipe.fingerprint) and (
            self.embedded_hash != self.current_text_hash()
            or self.embedding_fingerprint != recipe.fingerprint
            or self.embedding is None  # last: where deferred, this is a query
        )

    def embed(self, backend: BaseEmbeddingBackend | None = None) -> None:
        """Set the embedding and what says where it comes from; nothing is saved."""
        backend = backend or EmbeddingRecipe.objects.current(self._state.db).embedder()
        [vector] = backend.embed_known([self.embedding_text()])
        values = None if vector is None else vector.tolist()
        self.set_embedding(values, backend.fingerprint)

    def why_without_embedding(self) -> str:
        """Return why nothing can be compared with a product that has no embedding.

        Up to two statements.
        """
        recipe = EmbeddingRecipe.objects.current(self._state.db)
        if self.has_no_known_word(recipe.fingerprint):
            reason = gettext(
                "The model knows no word of %(name)s, so nothing can be compared with it."
            )
        else:
            reason = gettext(
                "%(name)s has no embedding yet, so nothing can be compared with it."
            )
        return reason % {"name": self.name}

    def embed_if_needed(self, using: str) -> bool:
        """Embed for the recipe of the database *using*; return whether it was needed."""
        recipe = EmbeddingRecipe.objects.current(using)
        if not self.needs_embedding(recipe):
            return False
        self.embed(recipe.embedder())
        return True

    @property
    def similarity(self) -> float:
        """The cosine similarity, -1 to 1, of a product that has a `distance`."""
        return 1 - self.distance


@receiver(pre_save, sender=Product)
def give_id(instance: Product, using: str, **kwargs: Any) -> None:
    """Give a new product on shards the id of its sku; elsewhere the database does."""
    if instance.pk is None and is_sharded(using):
        instance.pk = id_of_sku(instance.sku)


class Calibration(models.Model):
    """The measured floor of similarity for one recipe: less is not a match."""

    fingerprint = models.CharField(max_length=100, unique=True)
    floor = models.FloatField(help_text="Cosine similarity the best hit must reach.")
    products = models.PositiveIntegerField(help_text="How many products there were.")
    samples = models.PositiveIntegerField(help_text="How many texts were tried.")
    measured_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "products_calibration"

    def __str__(self) -> str:
        return f"{self.fingerprint}: {self.floor:.3f}"


class RankingWeights(models.Model):
    """The weights of the hybrid score that fit a shop's judgements, for one recipe."""

    fingerprint = models.CharField(max_length=100, unique=True)
    keyword = models.FloatField(help_text="Of the score by words.")
    rank = models.FloatField(help_text="Of the place by words.")
    queries = models.PositiveIntegerField(
        help_text="How many judged queries there were."
    )
    fitted_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "products_ranking_weights"

    def __str__(self) -> str:
        return f"{self.fingerprint}: {self.keyword:g} and {self.rank:g}"


class Projection(models.Model):
    """Where t-SNE puts products on the map, for one recipe: all of them in one row.

    It is computed as a whole and read as a whole. No product refers to it, so that
    deleting one costs nothing more.
    """

    fingerprint = models.CharField(max_length=100, unique=True)
    ids = models.BinaryField(help_text="Of the products: int64 each.")
    texts = models.BinaryField(help_text="Which text each was embedded from: int64.")
    places = models.BinaryField(help_text="x and y of each: float32.")
    kept = models.FloatField(help_text="The share of neighbours it keeps.")
    principal_kept = models.FloatField(
        help_text="What the principal components of the same keep."
    )
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "products_projection"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.fingerprint}: {self.kept:.2f}"

    @property
    def count(self) -> int:
        """How many products have a place."""
        return len(self.ids) // 8


class Judgement(models.Model):
    """Whether a product answers a query, as somebody of the staff sees it."""

    query = models.CharField(max_length=1_000)
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    grade = models.PositiveSmallIntegerField(
        help_text="0: not relevant, 1: relevant; larger is better."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "products_judgement"
        constraints = [
            models.UniqueConstraint(
                name="products_judgement_once", fields=["query", "product"]
            ),
            models.CheckConstraint(
                name="products_judgement_grade", condition=models.Q(grade__lte=100)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.query}: {self.product_id} is {self.grade}"


class NotDuplicateManager(models.Manager["NotDuplicate"]):
    """Pairs of products, whichever of the two is named first."""

    def settle(self, one: Product, other: Product, *, user: Any) -> NotDuplicate:
        """Return the pair, remembered as no duplicates; *user* is who says so first.

        Raises ValueError for one product twice.
        """
        if one == other:
            raise ValueError(f"{one} cannot be paired with itself")
        product, other = sorted((one, other), key=lambda product: product.pk)
        pair, _made = self.get_or_create(
            product=product, other=other, defaults={"user": user}
        )
        return pair


class NotDuplicate(models.Model):
    """Two products that are no duplicates, however near, as somebody of the staff says.

    *product* has the lower id. The database deletes the pair with either product, also
    where SQL deletes that.
    """

    product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,  # the migration makes one that cascades
        db_index=False,  # the pair's index begins with it
        verbose_name=_("product"),
    )
    other = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        verbose_name=_("other product"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        verbose_name=_("settled by"),
    )
    created_at = models.DateTimeField(_("settled at"), db_default=Now(), editable=False)

    objects = NotDuplicateManager()

    class Meta:
        verbose_name = _("settled pair")
        verbose_name_plural = _("settled pairs")
        db_table = "products_not_duplicate"
        # Who may change products settles pairs; see products/admin.py.
        default_permissions = ()
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="products_not_duplicate_once", fields=["product", "other"]
            ),
            models.CheckConstraint(
                name="products_not_duplicate_order",
                condition=models.Q(product__lt=models.F("other")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} / {self.other}"
