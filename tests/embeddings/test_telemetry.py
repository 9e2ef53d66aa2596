"""The model's runtime tells nobody that it runs."""

import os
import re
import shutil
import subprocess
import sys

import pytest

# ONNX Runtime looks its maker's host up some seconds after it was loaded.
EMBED = """
import time

import django

django.setup()
from products.embeddings import load_backend

load_backend("products.embeddings.onnx.EmbeddingBackend").embed(["headphones"])
time.sleep(5)
"""
# What a resolver opens before it asks, and what it asks over.
LOOKS_UP = re.compile(r"/etc/(resolv\.conf|hosts|nsswitch\.conf)|sin6?_port")


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_a_model_that_embeds_writes_no_file_at_home_and_looks_up_no_name(tmp_path):
    home, trace = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    environment = {
        "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
        "SECRET_KEY": "x",
        "HOME": str(home),
        "PATH": os.environ["PATH"],
    }
    command = ["strace", "-f", "-e", "trace=openat,connect,sendto", "-o", trace]

    run = subprocess.run(
        [*command, sys.executable, "-c", EMBED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert list(home.rglob("*")) == []
    assert LOOKS_UP.findall(trace.read_text()) == []
