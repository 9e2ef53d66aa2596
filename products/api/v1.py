"""The operations below /api/v1/, put together.

Whoever has more operations gives their router to `api` here.
"""

from __future__ import annotations

from django.views.decorators.gzip import gzip_page

from products.api import batches, products, searching, writing
from products.api.access import key_if_any
from products.api.english import in_english
from products.api.instantsearch import operation as instantsearch
from products.api.limits import Limit, with_limits
from products.api.openapi import DescribedAPI
from products.api.problems import answer_problems

api = DescribedAPI(
    title="VectorShop",
    version="1",
    description="Search a shop's products by their meaning and their words.",
    urls_namespace="api-v1",
    docs_url=None,
    openapi_url=None,  # views.document() answers there, without making it each time
    auth=key_if_any,
    throttle=Limit(),
)
answer_problems(api)
api.add_decorator(with_limits, mode="view")
api.add_decorator(gzip_page, mode="view")
api.add_decorator(in_english, mode="view")
api.add_router("", products.router)
api.add_router("", instantsearch.router)
api.add_router("", searching.router)
api.add_router("", batches.router)
__all__ = ["api", "writing"]  # whose operations are those of the router of products
