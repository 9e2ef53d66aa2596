"""The Jinja2 environments of the shop's pages: one for each language.

Write a text as {{ _("...") }}, first in its expression, or anywhere in a {% tag %}:
makemessages does not find it elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import jinja2
from django.contrib.messages import get_messages
from django.template.defaultfilters import urlencode
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils.text import slugify
from django.utils.translation import get_language, get_language_bidi, gettext
from django_htmx.jinja import htmx_script

from products.permissions import may_change, may_delete, may_write
from products.pictures.drawn import drawn_picture
from products.pictures.shown import image_address, image_srcset
from products.search.nearness import near
from products.templating.compiler import Settling
from products.templating.filters import (
    Numbers,
    category_name,
    changed_address,
    copyable_sql,
    lines,
    paragraphs,
    percent,
    readable_sql,
    series_colour,
    shortened,
)
from products.templating.marking import marked

# What these return for constants is the same on every page.
CONSTANT: dict[str, Callable[..., Any]] = {
    "_": gettext,
    "htmx_script": htmx_script,
    "static": static,
    "url": reverse,
}


class Environments:
    """Gives Django the templates for the language and the script prefix in force.

    Each language and prefix has an environment of its own, with the same options.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        # The cache has a limit, because some servers take the prefix from a header.
        self.made = lru_cache(maxsize=32)(self.make)

    def make(self, language: str | None, prefix: str) -> Environment:
        """Return a new environment; *language* and *prefix* must be those in force."""
        return Environment(language, **self.options)

    def here(self) -> Environment:
        """Return the environment for the language and the prefix in force."""
        return self.made(get_language(), get_script_prefix())

    def get_template(self, name: str) -> jinja2.Template:
        return self.here().get_template(name)

    def from_string(self, source: str) -> jinja2.Template:
        return self.here().from_string(source)


class Environment(jinja2.Environment):
    """Compiles templates for the language and the script prefix in force.

    settled: whether texts and addresses that are the same on every page are looked up
    when a template is compiled, instead of each time a page is made.
    """

    def __init__(
        self, language: str | None, *, settled: bool = True, **options: Any
    ) -> None:
        # Keep all templates: there are two dozen, and a limit would need a lock.
        options |= {"trim_blocks": True, "lstrip_blocks": True, "cache_size": -1}
        super().__init__(**options)
        # For tojson: letters of other scripts stay letters.
        self.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
        self.settling = Settling(CONSTANT) if settled else None
        numbers = Numbers(language)
        self.filters |= {
            "category_name": category_name,
            "drawn_picture": drawn_picture,
            "copyable_sql": copyable_sql,
            "lines": lines,
            "marked": marked,
            "near": near,
            "number": numbers.number,
            "paragraphs": paragraphs,
            "percent": percent,
            "picture_address": image_address,
            "picture_srcset": image_srcset,
            "price": numbers.price,
            "product_url": product_urls(),
            "readable_sql": readable_sql,
            "series_colour": series_colour,
            "shortened": shortened,
            "slugify": slugify,
            "urlencode": urlencode,
        }
        self.globals |= CONSTANT | {
            "changed_address": changed_address,
            "get_messages": get_messages,
            "language": language,
            "may_change": may_change,
            "may_delete": may_delete,
            "may_write": may_write,
            "right_to_left": get_language_bidi(),
            "root": get_script_prefix(),
        }

    def compile(
        self,
        source: str | jinja2.nodes.Template,
        name: str | None = None,
        filename: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Return the code of a template, which is settled first unless turned off."""
        if self.settling is not None:
            if isinstance(source, str):
                source = self.parse(source, name, filename)
            source = self.settling.visit(source)
        return super().compile(source, name, filename, *args, **kwargs)


def product_urls() -> Callable[..., str]:
    """Return a function that gives the addresses of products below the prefix in force.

    It calls reverse() once for each kind of page, and then puts in the id.
    """

    @cache
    def around_id(name: str) -> tuple[str, str]:
        # The address of the product 0: its last "0" is the id.
        before, _, after = reverse(name, args=[0]).rpartition("0")
        return before, after

    def product_url(pk: int, name: str = "products:detail") -> str:
        before, after = around_id(name)
        return f"{before}{pk}{after}"

    return product_url
