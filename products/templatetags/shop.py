"""Filters for the admin's templates: {% load shop %}. Jinja2 has them without loading."""

from __future__ import annotations

from django import template

from products.admin_pages.log import log_text
from products.numbers import priced
from products.templating.filters import category_name

register = template.Library()
register.filter("category_name", category_name)
register.filter("log_text", log_text)
register.filter("price", priced)
