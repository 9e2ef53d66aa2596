"""A server loads the model when it starts, and its workers share it."""

import os
import subprocess
import sys

import pytest

from products.checks import check_agreement
from products.embeddings import get_backend, load_or_log, onnx
from products.models import EmbeddingRecipe

# A server forks at once, while the model is being loaded; a signal ends what hangs.
SERVER = """
import os, signal

import vectorshop.wsgi
from products.embeddings import get_backend

child = os.fork()
loaded = "loaded_model" in vars(get_backend())
if not child:
    signal.alarm(30)
    vector = get_backend().embed(["headphones"])
    os._exit(0 if loaded and vector.shape == (1, 384) else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(loaded, status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_has_the_model_before_anybody_searches():
    backend = "products.embeddings.onnx.EmbeddingBackend"

    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SERVER],
        env={**os.environ, "EMBEDDING_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (run.stdout, run.stderr) == ("True 0\n", "")


def test_a_page_that_computes_does_not_meet_a_half_imported_numpy():
    code = (
        "import sys, threading; start = threading.Thread.start\n"
        "def checked(thread): print('numpy' in sys.modules, thread.name); start(thread)\n"
        "threading.Thread.start = checked\n"
        "import vectorshop.wsgi"
    )

    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )

    assert "True load-model" in run.stdout.splitlines(), run.stderr


def test_a_command_loads_no_model():
    code = (
        "import sys, django; django.setup(); from django.core.management import "
        "call_command; call_command('check'); print('onnxruntime' in sys.modules)"
    )

    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "vectorshop.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.stdout.splitlines()[-1] == "False"


@pytest.mark.usefixtures("real_model")
def test_why_the_model_cannot_be_loaded_is_logged(monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(onnx, "MODEL_DIR", tmp_path / "gone")

    load_or_log()

    assert "Searches go by words only" in caplog.text
    assert "git checkout -- products/embeddings" in caplog.text


def test_a_setting_that_names_no_backend_is_logged(settings, caplog):
    settings.EMBEDDING_BACKEND = "tests.embeddings.test_loading.Gone"

    load_or_log()

    assert "Use the dotted path of a class" in caplog.text


@pytest.mark.django_db
def test_a_recipe_with_the_old_path_agrees_with_the_new_setting(settings):
    settings.EMBEDDING_BACKEND = "products.embeddings.onnx.EmbeddingBackend"
    recipe = EmbeddingRecipe.objects.create(
        backend="products.embeddings.fastembed.EmbeddingBackend",
        fingerprint=get_backend().fingerprint,
    )

    assert recipe.embedder() is get_backend()
    assert check_agreement("default") == []
