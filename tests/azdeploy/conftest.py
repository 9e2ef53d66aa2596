"""An Azure for `azdeploy` to work on: the stand-in az and an address service."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.stand_ins.azdeploy import AzureStandIn
from vectorshop.azure import cli, firewall

MY_ADDRESS = "203.0.113.7"


@pytest.fixture
def azure(tmp_path, monkeypatch, settings, address_service):
    """Return an empty, signed-in Azure; .env files go to `project`."""
    project = tmp_path / "project"
    project.mkdir()
    settings.BASE_DIR = project
    monkeypatch.setattr(cli, "TICK_SECONDS", 0.05)
    folder = tmp_path / "bin"
    folder.mkdir()
    return AzureStandIn(folder, monkeypatch)


@pytest.fixture
def project(azure, settings):
    return settings.BASE_DIR


@pytest.fixture
def address_service(monkeypatch):
    """Answer the question for the caller's address; `answers` may be changed."""
    answers = [MY_ADDRESS.encode()]

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(firewall, "ADDRESS_SERVICE", address)
        yield answers
        server.shutdown()
