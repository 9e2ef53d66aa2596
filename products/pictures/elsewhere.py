"""Pictures at addresses that no page shows, for who may name their hosts."""

from __future__ import annotations

from products.pictures.reference import is_elsewhere
from products.sql.statements import rows

# The host is what stands between "//" and the next "/", as in reference.host_of().
HOSTS = """
    SELECT split_part(image, '/', 1) || '//' || split_part(image, '/', 3), count(*)
    FROM products
    WHERE image LIKE %s
    GROUP BY 1
    ORDER BY 2 DESC
"""


def hosts_elsewhere(alias: str) -> dict[str, int]:
    """Return how many pictures each host has that is not in IMAGE_HOSTS, most first.

    Each with its scheme, such as https://cdn.example. One statement, which reads all
    rows.
    """
    found = rows(HOSTS, ["http%"], using=alias)
    return {address: count for address, count in found if is_elsewhere(address)}
