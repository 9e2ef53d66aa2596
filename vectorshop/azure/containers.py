"""What runs in Container Apps, as documents that az takes; infra/ has the same in Bicep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectorshop.azure.deployment import TAG, TAG_VALUE
from vectorshop.azure.roles import OWNER

PORT = 8000
SECRET = "secret-key"  # its name in Container Apps
RESOURCES = {"cpu": 1.0, "memory": "2Gi"}
MOST_REPLICAS = 3
JOB_SECONDS = 1800
FOLDER = Path(".data") / "azure"  # of the documents, in the project
Document = dict[str, Any]


@dataclass(frozen=True)
class Containers:
    """What the job and the app have alike. *setup* and *web* are their identities."""

    location: str
    environment: Document
    registry: Document
    image: str
    database: str
    setup: Document
    web: Document
    samples: bool

    def host(self, app: str) -> str:
        """Return the name by which visitors reach the app."""
        return f"{app}.{self.environment['properties']['defaultDomain']}"

    def job(self) -> Document:
        """Return the job that makes the role, migrates, and loads the samples."""
        command = ["python", "manage.py", "set_up_database"]
        command += ["--role", self.web["name"], "--object-id", self.web["principalId"]]
        if self.samples:
            command.append("--samples")
        return {
            "location": self.location,
            "tags": {TAG: TAG_VALUE},
            "identity": identity(self.setup),
            "properties": {
                "environmentId": self.environment["id"],
                "workloadProfileName": "Consumption",
                "configuration": {
                    "triggerType": "Manual",
                    "replicaTimeout": JOB_SECONDS,
                    "replicaRetryLimit": 1,
                    "manualTriggerConfig": {
                        "parallelism": 1,
                        "replicaCompletionCount": 1,
                    },
                    "registries": [self.pulled_by(self.setup)],
                },
                "template": {
                    "containers": [
                        {
                            "name": "setup",
                            "image": self.image,
                            "command": command,
                            "env": listed(
                                self.signed_in(self.setup) | {"DB_ASSUME_ROLE": OWNER}
                            ),
                            "resources": RESOURCES,
                        }
                    ]
                },
            },
        }

    def app(self, name: str) -> Document:
        """Return what the app runs, with its probes; the rest stays as it was made."""
        return {
            "properties": {
                "template": {
                    "containers": [
                        {
                            "name": name,
                            "image": self.image,
                            "env": [
                                {"name": "SECRET_KEY", "secretRef": SECRET},
                                *listed(self.settings(name)),
                            ],
                            "resources": RESOURCES,
                            "probes": PROBES,
                        }
                    ],
                    "scale": {"minReplicas": 0, "maxReplicas": MOST_REPLICAS},
                },
            }
        }

    def settings(self, app: str) -> dict[str, str]:
        """Return the app's settings, without the secret one."""
        return {
            **self.signed_in(self.web),
            "DB_POOL": "8",
            "ALLOWED_HOSTS": self.host(app),
            "CSRF_TRUSTED_ORIGINS": f"https://{self.host(app)}",
            "HTTPS": "true",
            "BEHIND_PROXY": "true",
        }

    def signed_in(self, who: Document) -> dict[str, str]:
        """Return the settings with which an identity signs in to the database."""
        return {
            "DB_HOST": self.database,
            "DB_USER": who["name"],
            "AZURE_CREDENTIAL": "managed-identity",
            "AZURE_CLIENT_ID": who["clientId"],
        }

    def pulled_by(self, who: Document) -> Document:
        return {"server": self.registry["loginServer"], "identity": who["id"]}


def probe(kind: str, path: str, **times: int) -> Document:
    return {"type": kind, "httpGet": {"path": path, "port": PORT}, **times}


PROBES = [
    probe("Startup", "/health/live", periodSeconds=5, failureThreshold=24),
    probe("Liveness", "/health/live", periodSeconds=30, timeoutSeconds=5),
    probe(
        "Readiness",
        "/health/ready",
        periodSeconds=10,
        timeoutSeconds=5,
        failureThreshold=6,
    ),
]


def identity(who: Document) -> Document:
    return {"type": "UserAssigned", "userAssignedIdentities": {who["id"]: {}}}


def listed(settings: dict[str, str]) -> list[Document]:
    return [{"name": name, "value": value} for name, value in settings.items()]


def image_of(resource: Document) -> str:
    """Return the image that a job or an app has now."""
    return str(resource["properties"]["template"]["containers"][0]["image"])


def write(project: Path, name: str, document: Document, *, dry_run: bool) -> str:
    """Return the path of a file for az's --yaml, written unless *dry_run*.

    It has no secret. JSON is YAML as well.
    """
    path = project / FOLDER / f"{name}.yaml"
    if not dry_run:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return str(path)
