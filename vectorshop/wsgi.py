"""The WSGI application, for servers such as granian."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from vectorshop.requests import with_plain_types
from vectorshop.serving import start_serving

start_serving()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
application = with_plain_types(get_wsgi_application())
# The addresses import all pages. Do it before the server forks its workers.
import_module("vectorshop.urls")

# All objects made so far live as long as the process. Once they are frozen, the garbage
# collector does not walk through them during a search, and forked workers go on sharing
# their memory. See https://docs.python.org/3/library/gc.html#gc.freeze
gc.collect()
gc.freeze()

# A search needs the embedding model, whose loading takes longer than a page.
import_module("products.embeddings").load_in_background()
