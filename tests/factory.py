"""Products for tests, with vectors whose order can be worked out in the head."""

import math
from itertools import count

from products.embeddings import get_backend
from products.models import DIMENSIONS, Product

numbers = count(1)


def axis(number):
    """A unit vector along one axis: at cosine distance 1 from every other axis."""
    return [float(position == number) for position in range(DIMENSIONS)]


def near(distance, *, base=0, towards=1):
    """A unit vector at a cosine *distance* from axis(base)."""
    cosine = 1 - distance
    vector = [0.0] * DIMENSIONS
    vector[base] = cosine
    vector[towards] = math.sqrt(1 - cosine**2)
    return vector


def make_product(*, embedding=(), fingerprint=None, **kwargs):
    """A saved product. embedding: a vector, None for none, by default axis(0)."""
    kwargs = {"name": f"Product {next(numbers)}", "price": "9.99", **kwargs}
    product = Product(**kwargs)
    if embedding is not None:
        vector = list(embedding) or axis(0)
        product.set_embedding(vector, fingerprint or get_backend().fingerprint)
    product.save(embed=False)
    return Product.objects.get(pk=product.pk)
