"""Filters for the admin's templates: {% load shop %}. Jinja2 has them without loading."""

from __future__ import annotations

from django import template

from products.numbers import priced
from products.templating.filters import category_name

register = template.Library()
register.filter("category_name", category_name)
register.filter("price", priced)
