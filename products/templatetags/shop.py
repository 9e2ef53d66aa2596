"""Filters and tags for the admin's templates: {% load shop %}.

Jinja2 has the filters without loading.
"""

from __future__ import annotations

from django import template

from products.admin_pages.log import log_text
from products.admin_pages.overview import overview
from products.numbers import grouped, percentage, priced
from products.templating.filters import category_name

register = template.Library()
register.filter("category_name", category_name)
register.filter("grouped", grouped)
register.filter("log_text", log_text)
register.filter("percentage", percentage)
register.filter("price", priced)
register.simple_tag(overview, name="catalogue_overview")
