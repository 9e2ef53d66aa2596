"""What the API's answers look like. Names are those of the Python API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """What every answer is made of."""

    model_config = ConfigDict(frozen=True)


class ListedProduct(Answer):
    """A product, without what a long list has no room for."""

    sku: str = Field(description="The shop's article number.")
    name: str
    category: str
    price: str = Field(
        description="A number with two decimals, as a text, so that no cent is lost."
    )
    currency: str | None = Field(
        description="The ISO 4217 code; null where the shop's sign stands for several."
    )
    url: str = Field(description="The address of the product's page.")
    image: str | None = Field(
        description="The address of the picture; null where there is none."
    )


class Product(ListedProduct):
    """A product."""

    description: str


class Total(Answer):
    """How many products were found."""

    value: int
    relation: str = Field(
        description="exact, or at_least: there are others that were not ranked.",
        pattern="^(exact|at_least)$",
    )


class Hit(Answer):
    """A product that was found, and what spoke for it."""

    rank: int = Field(description="Its place in the results, from 1.")
    score: float = Field(description="What the ranking goes by.")
    similarity: float | None = Field(
        description="The cosine similarity; null where it was not compared by meaning."
    )
    distance: float | None = Field(description="1 - similarity.")
    semantic_rank: int | None = Field(description="Its place by meaning, from 1.")
    keyword_rank: int | None = Field(description="Its place by words, from 1.")
    words: list[str] = Field(description="The words of the text that it has.")
    exact: bool = Field(description="Its sku is the text.")
    product: Product


class Scan(Answer):
    """How PostgreSQL read the products for one step of a search."""

    step: str
    node: str = Field(description="Such as Index Scan or Seq Scan.")
    index: str = Field(description="The name of the index; empty without one.")
    rows: int
    removed: int = Field(description="How many rows were read and thrown away.")
    milliseconds: float


class Plan(Answer):
    """How the products were looked up, and what that took."""

    method: str = Field(description="exact, hnsw, keyword or listing.")
    reason: str
    summary: str = Field(description="What was done, as one sentence.")
    matching: int | None = Field(
        description="How many products pass the filters; null where nobody counted."
    )
    ef_search: int | None = Field(
        description="How many candidates the index keeps; null without an index."
    )
    rows: int = Field(description="How many products were ranked.")
    words: list[str] = Field(description="By which rules words were searched for.")
    embedding_ms: float
    sql_ms: float
    statements: int
    scans: list[Scan]


class Results(Answer):
    """A page of products that answer a question, best first."""

    total: Total
    hits: list[Hit]
    far: list[Hit] = Field(
        description="The nearest of what is too far, where nothing was found."
    )
    mode: str = Field(description="hybrid, semantic, keyword, similar or listing.")
    notice: str = Field(description="What one should know; empty for nothing.")
    corrected: str = Field(
        description="The text that was searched for in place of a mistyped one."
    )
    suggested: str = Field(description="Another text that may have been meant.")
    next_cursor: str | None = Field(
        description="Leads to the next page of the same question; null after the last."
    )
    plan: Plan | None = Field(description="Null, unless explain was asked for.")


class Category(Answer):
    """A category, and how many of the products it has."""

    category: str
    count: int


class Prices(Answer):
    """The lowest and the highest price."""

    low: str
    high: str


class Facets(Answer):
    """What a question can be narrowed to."""

    categories: list[Category] = Field(
        description="The largest first, as if no category had been chosen."
    )
    prices: Prices | None = Field(
        description="Of the whole catalogue; null where it has no product."
    )


class Suggestions(Answer):
    """What a half typed text may become."""

    queries: list[str]
    categories: list[Category]
    products: list[ListedProduct]


class Gate(Answer):
    """One condition that a product must meet to be found."""

    condition: str
    passed: bool
    says: str = Field(description="What was found, as a sentence.")
    figures: dict[str, Any] = Field(description="What the sentence counts, by name.")


class WhyNot(Answer):
    """Where a product is in the results, or what keeps it out."""

    product: Product
    verdict: str = Field(description="The answer as a sentence.")
    place: int | None = Field(
        description="From 1; null where it is not in the results."
    )
    page: int | None
    total: int
    gates: list[Gate]
    stopped_by: list[str] = Field(description="The conditions that decided.")
