"""A pytest plugin: the environment in which the tests read the settings.

Loaded with `-p` before Django, so that neither the developer's `.env` nor the shell
decides what the tests see: no test may reach a real server by accident.
"""

import os
from urllib.parse import urlsplit

os.environ.update(
    ALLOWED_HOSTS="",
    AZURE_CLIENT_ID="",
    AZURE_CREDENTIAL="",
    AZURE_OPENAI_API_KEY="",
    AZURE_OPENAI_API_VERSION="",
    AZURE_OPENAI_DEPLOYMENT="",
    AZURE_OPENAI_ENDPOINT="",
    BEHIND_PROXY="",
    CACHE_PREFIX="",
    CACHE_URL="",
    CATALOG_LANGUAGE="",
    CSRF_TRUSTED_ORIGINS="",
    DB_ASSUME_ROLE="",
    DB_DIRECT_HOST="",
    DB_DIRECT_PORT="",
    ACCESSORY_WORDS="",
    CURRENCY="",
    DB_HOST="",
    DB_LOCK_TIMEOUT="",
    DB_NAME="",
    DB_PASSWORD="",
    DB_POOL="",
    DB_POOLER="",
    DB_PORT="",
    DB_RANDOM_PAGE_COST="",
    DB_REPLICA_HOSTS="",
    DB_REPLICA_LAG="",
    DB_SSLMODE="",
    DB_SSLROOTCERT="",
    DB_STATEMENT_TIMEOUT="",
    DB_TARGET_SESSION_ATTRS="",
    DB_USER="",
    DEBUG="",
    EMBEDDING_BACKEND="products.embeddings.deterministic.EmbeddingBackend",
    HNSW_HALFVEC="",
    HTTPS="",
    IMAGE_HOSTS="",
    MEDIA_ROOT="",
    MEDIA_STORAGE="",
    OPEN_CATALOG="",
    UPLOAD_DIR="",
    SECRET_KEY="only-for-tests-" + 40 * "x",
)

# The one server that is meant to be reached: see tests/citus.
if citus := os.environ.get("CITUS_URL"):
    address = urlsplit(citus)
    os.environ.update(
        DB_HOST=address.hostname or "",
        DB_PORT=str(address.port or 5432),
        DB_USER=address.username or "",
        DB_PASSWORD=address.password or "",
        DB_SSLMODE="prefer",
    )
