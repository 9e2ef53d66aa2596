"""Ask an advisory database about every locked package: `.venv/bin/python audit.py`.

Ends with 0 if it knows nothing against them, with 1 if it does, and with 3 if it could not
be asked about all of them. pip-audit alone ends with 0 even if it could ask about none.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# These name every package that the other locks name.
LOCKS = [
    ROOT / "locks" / name for name in ("requirements-dev.txt", "requirements-bench.txt")
]
NOTHING_FOUND, FOUND, NOT_READ = 0, 1, 3
# It has had advisories since 2018: where it has none, no database was read.
KNOWN = "flask==0.12.2"
KNOWN_HASH = "0749df235e3ff61ac108f69ac178c9770caeaccad2509cb762ce1f65570a8856"


class NotReadError(Exception):
    """Why an advisory database was not read."""


def main(arguments=None, locks=LOCKS):
    """Print what is known against the packages, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--osv-url",
        help="Ask this service, which answers as api.osv.dev/v1/query does.",
    )
    address = parser.parse_args(arguments).osv_url
    services = [["osv", "--osv-url", address]] if address else [["osv"], ["pypi"]]
    reasons = []
    for service in services:
        try:
            return tell(service[0], ask(service, locks))
        except NotReadError as err:
            reasons.append(f"- {service[0]}: {err}")
    say(
        "No advisory database was read, so nothing is known about the packages:",
        *reasons,
        "Run it where api.osv.dev or pypi.org answers, or name a mirror by --osv-url.",
    )
    return NOT_READ


def ask(service, locks):
    """Return what pip-audit reports of each package. Raises NotReadError."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"
        known.write_text(f"{KNOWN} --hash=sha256:{KNOWN_HASH}\n", encoding="utf-8")
        options = ["--format=json", "--progress-spinner=off", "--disable-pip", "-s"]
        files = [word for path in (*locks, known) for word in ("-r", str(path))]
        audit = subprocess.run(
            [sys.executable, "-m", "pip_audit", *options, *service, *files],
            capture_output=True,
            text=True,
        )
    try:
        packages = json.loads(audit.stdout)["dependencies"]
    except ValueError as err:
        complaint = audit.stderr.strip() or "pip-audit said nothing."
        raise NotReadError(complaint.splitlines()[-1]) from err
    return checked(packages)


def checked(packages):
    """Return the packages but the known one. Raises NotReadError if that has no advisory."""
    known = [one for one in packages if one["name"] == KNOWN.partition("==")[0]]
    if not any(one.get("vulns") for one in known):
        reasons = [one["skip_reason"] for one in known if "skip_reason" in one]
        raise NotReadError("; ".join(reasons) or f"it has no advisory about {KNOWN}.")
    return [one for one in packages if one not in known]


def tell(service, packages):
    """Print the advisories, and the packages that were not found; return the exit status."""
    advisories = [
        f"{one['name']} {one['version']}: {advisory_line(advisory)}"
        for one in packages
        for advisory in one.get("vulns", ())
    ]
    skipped = [one["skip_reason"] for one in packages if "skip_reason" in one]
    say(
        f"{service} was asked about {len(packages) - len(skipped)} packages. "
        f"Advisories: {len(advisories)}",
        *advisories,
        *skipped,
    )
    if advisories:
        say("Raise what is named here in constraints.txt, then run: make locks")
        return FOUND
    return NOT_READ if skipped else NOTHING_FOUND


def advisory_line(advisory):
    """Return the names of an advisory, the versions that mend it, and what it says."""
    names = ", ".join([advisory["id"], *advisory["aliases"]])
    mended = ", ".join(advisory["fix_versions"]) or "no version"
    return f"{names}, mended in {mended}: {advisory['description']}"


def say(*lines):
    """Print lines."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
