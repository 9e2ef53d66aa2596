"""A pytest plugin: the environment in which the tests read the settings.

Loaded with `-p` before Django, so that neither the developer's `.env` nor the shell
decides what the tests see: no test may reach a real server by accident.
"""

import os

os.environ.update(
    ALLOWED_HOSTS="",
    BEHIND_PROXY="",
    CSRF_TRUSTED_ORIGINS="",
    CURRENCY="",
    DB_HOST="",
    DB_NAME="",
    DB_PASSWORD="",
    DB_PORT="",
    DB_USER="",
    DEBUG="",
    EMBEDDING_BACKEND="products.embeddings.deterministic.EmbeddingBackend",
    HTTPS="",
    OPEN_CATALOG="",
    SECRET_KEY="only-for-tests-" + 40 * "x",
)
