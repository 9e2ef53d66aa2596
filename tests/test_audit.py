"""audit.py, which says apart: no advisory, advisories, and no database that was read."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import audit

FLASK = {"id": "PYSEC-2018-66", "affected": []}
ADVISORY = {
    "id": "PYSEC-2030-1",
    "aliases": ["CVE-2030-1"],
    "summary": "Anybody may read everything.",
    "affected": [
        {
            "package": {"name": "tqdm", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "9.1"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does, from its server's `advisories` by name and version."""

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = f"{query['package']['name']}=={query['version']}"
        self.server.asked.append(asked)
        found = self.server.advisories.get(asked)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps({"vulns": found} if found else {}).encode())

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def database():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    server.advisories = {"flask==0.12.2": [FLASK]}
    server.status, server.asked = 200, []
    threading.Thread(target=server.serve_forever).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(database, tmp_path, capsys):
    """Audits two packages by the database; returns the exit status and what was said."""
    lock = tmp_path / "lock.txt"
    digest = f"--hash=sha256:{64 * '0'}"
    lock.write_text(f"tqdm==9.0 {digest}\nidna==3.20 {digest}\n")

    def run():
        address = f"http://127.0.0.1:{database.server_port}/v1/query"
        status = audit.main(["--osv-url", address], [lock])
        return status, capsys.readouterr().out

    return run


def test_every_package_is_asked_about(run, database):
    status, said = run()

    assert sorted(database.asked) == ["flask==0.12.2", "idna==3.20", "tqdm==9.0"]
    assert (status, said) == (
        0,
        "osv was asked about 2 packages. Advisories: 0\n",
    )


def test_an_advisory_is_named_with_the_version_that_mends_it(run, database):
    database.advisories["tqdm==9.0"] = [ADVISORY]

    status, said = run()

    assert status == 1
    assert said.splitlines() == [
        "osv was asked about 2 packages. Advisories: 1",
        "tqdm 9.0: PYSEC-2030-1, CVE-2030-1, mended in 9.1: Anybody may read everything.",
        "Raise what is named here in constraints.txt, then run: make locks",
    ]


def test_a_database_that_does_not_answer_was_not_read(run, database):
    database.server_close()

    status, said = run()

    assert status == 3
    assert said.startswith("No advisory database was read, so nothing is known")
    assert "- osv: " in said
    assert "Connection refused" in said


def test_a_database_that_fails_was_not_read(run, database):
    database.status = 503

    status, said = run()

    assert status == 3
    assert "No advisory database was read" in said


def test_a_database_that_knows_nothing_of_an_old_hole_was_not_read(run, database):
    database.advisories.clear()

    status, said = run()

    assert status == 3
    assert "- osv: it has no advisory about flask==0.12.2." in said


def test_a_package_that_could_not_be_asked_about_is_no_safe_one(capsys):
    packages = [
        {"name": "flask", "version": "0.12.2", "vulns": [{"id": "PYSEC-2018-66"}]},
        {"name": "idna", "skip_reason": "Dependency not found on PyPI: idna (3.20)"},
    ]

    assert audit.tell("pypi", audit.checked(packages)) == 3
    assert capsys.readouterr().out.splitlines() == [
        "pypi was asked about 0 packages. Advisories: 0",
        "Dependency not found on PyPI: idna (3.20)",
    ]


def test_the_known_package_that_was_not_found_says_why():
    packages = [{"name": "flask", "skip_reason": "Dependency not found on PyPI: flask"}]

    with pytest.raises(audit.NotReadError, match="Dependency not found on PyPI: flask"):
        audit.checked(packages)


def test_the_locks_that_are_audited_name_every_locked_package():
    audited = {name for lock in audit.LOCKS for name in names(lock)}
    locked = {name for lock in (audit.ROOT / "locks").iterdir() for name in names(lock)}

    assert audited == locked
    assert "django" in {name.partition("==")[0] for name in audited}


def names(lock):
    lines = lock.read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if "==" in line and line[0].isalpha()}
