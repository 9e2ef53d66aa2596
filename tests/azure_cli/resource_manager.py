"""A loopback Azure: Resource Manager over HTTPS and a managed identity's token endpoint.

Holds resources by their path, as Resource Manager does: PUT stores, GET reads one or
a collection, DELETE removes what lies below. Only what the real az asks for in these
tests is answered; anything else is 404 and listed in ``unknown``.
"""

import datetime
import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.azure_cli import container_apps

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
TENANT = "22222222-2222-4222-8222-222222222222"
OBJECT_ID = "33333333-3333-4333-8333-333333333333"
USER = "ada@example.org"
ROOT = f"/subscriptions/{SUBSCRIPTION}"
PROVIDER = "Microsoft.DBforPostgreSQL"
SUBSCRIBED = {
    "id": ROOT,
    "subscriptionId": SUBSCRIPTION,
    "tenantId": TENANT,
    "displayName": "Loopback",
    "state": "Enabled",
}
COLLECTIONS = ("/firewallrules", "/administrators")
WANTS_PASSWORD = {
    "code": "MissingRequiredParameter",
    "message": "Parameter 'AdministratorLoginPassword' must be specified",
}


def capabilities():
    """Return what a region offers: enough of it for az to check SKU and storage."""
    return {
        "name": "FlexibleServerCapabilities",
        "supportedFeatures": [{"name": "OfferRestricted", "status": "Disabled"}],
        "supportedServerVersions": [
            {"name": "16", "supportedVersionsToUpgrade": ["17"]},
            {"name": "17", "supportedVersionsToUpgrade": []},
        ],
        "supportedServerEditions": [
            edition("Burstable", "Standard_B1ms"),
            edition("GeneralPurpose", "Standard_D2ds_v5"),
        ],
    }


def edition(name, sku):
    return {
        "name": name,
        "defaultSkuName": sku,
        "supportedServerSkus": [
            {
                "name": sku,
                "vCores": 1,
                "supportedZones": ["1"],
                "supportedHaMode": [],
                "supportedFeatures": [],
                "securityProfile": "Standard",
            }
        ],
        "supportedStorageEditions": [
            {
                "name": "ManagedDisk",
                "defaultStorageSizeMb": 32768,
                "supportedStorageMb": [
                    {
                        "storageSizeMb": size * 1024,
                        "supportedIops": 120,
                        "defaultIopsTier": "P4",
                        "supportedIopsTiers": [{"name": "P4", "iops": 120}],
                    }
                    for size in (32, 64, 128)
                ],
            }
        ],
    }


def is_server(key):
    """Return whether a path names a server, and none of its parts."""
    return key.rpartition("/")[0].endswith(f"/{PROVIDER.lower()}/flexibleservers")


def is_in(resource, group):
    """Return whether a resource is in the group of this path."""
    return resource["id"].lower().startswith(f"{group}/")


class Azure:
    """The state of the loopback Azure; one lock, since az may ask in parallel."""

    def __init__(self):
        self.lock = threading.Lock()
        self.resources = {}
        self.registered = "NotRegistered"
        self.requests = []
        self.unknown = []
        self.refusal = None  # an error for every change, as Azure words it
        self.wants_password = False  # also of servers to which none can sign in
        # What Azure keeps of an app, and never shows.
        self.secrets, self.executions, self.builds, self.grants = {}, [], [], []
        self.address = ""

    def answer(self, method, path, body):
        """Return the status and the JSON answer to one request."""
        with self.lock:
            self.requests.append((method, path, body))
            status, answer = self.route(method, path.rstrip("/"), body)
            if status == 404 and method not in ("GET", "HEAD"):
                self.unknown.append((method, path))
            return status, answer

    def route(self, method, path, body):
        low = path.lower()
        if match := re.fullmatch(f"{ROOT}/providers/([^/]+)(/register)?", low):
            if match[2]:
                self.registered = "Registered"
            return 200, {
                "namespace": match[1],
                "registrationState": self.registered,
                "resourceTypes": container_apps.resource_types(match[1]),
            }
        if self.refusal and method in ("PUT", "PATCH", "DELETE"):
            return 403, {"error": self.refusal}
        fixed = {
            "/subscriptions": lambda: {"value": [SUBSCRIBED]},
            "/tenants": lambda: {"value": [{"tenantId": TENANT}]},
            ROOT: lambda: SUBSCRIBED,
            f"{ROOT}/resources": lambda: {"value": self.servers()},
            f"{ROOT}/locations": lambda: {"value": []},
        }
        endings = {
            "/checknameavailability": {"nameAvailable": True, "name": body.get("name")},
            "/capabilities": {"value": [capabilities()]},
            "/operations/1": {"name": "1", "status": "Succeeded"},
        }
        if low in fixed:
            return 200, fixed[low]()
        for ending, answer in endings.items():
            if low.endswith(ending):
                return 200, answer
        about_apps = container_apps.answer(self, method, path, body)
        return about_apps or self.store(method, path, body)

    def servers(self):
        """Return what is in the groups: servers, without their parts."""
        kind = f"{PROVIDER}/flexibleServers"
        return [each for each in self.resources.values() if each["type"] == kind]

    def store(self, method, path, body):
        key = path.lower()
        # A server and its parts change slowly: "accepted", then ask how it went.
        slow = f"/{PROVIDER.lower()}/" in key
        if method == "PUT" and is_server(key) and self.wants_password:
            given = body["properties"].get("administratorLoginPassword")
            if not given:
                return 400, {"error": WANTS_PASSWORD}
        if method in ("PUT", "PATCH"):
            return (202 if slow else 200), self.put(path, body)
        if method == "DELETE":
            gone = [k for k in self.resources if k == key or k.startswith(key + "/")]
            for each in gone:
                del self.resources[each]
            return (202 if slow else 200), None
        if key in self.resources:
            return (204, None) if method == "HEAD" else (200, self.resources[key])
        return self.collection(key)

    def put(self, path, body):
        key = path.lower()
        # Azure never shows it again.
        body.get("properties", {}).pop("administratorLoginPassword", None)
        old = self.resources.get(key, {})
        parts = path.split("/")
        configuration = body.get("properties", {}).get("configuration") or {}
        if secrets := configuration.pop("secrets", None):
            self.secrets[key] = secrets
        kind = "/".join([parts[6], *parts[7::2]]) if len(parts) > 7 else "group"
        resource = {**old, **body, "id": path, "name": parts[-1], "type": kind}
        resource["properties"] = {
            **old.get("properties", {}),
            **body.get("properties", {}),
            "provisioningState": "Succeeded",
        }
        if len(parts) > 7 and not old:
            resource["properties"] |= container_apps.shown(parts[-2].lower(), parts[-1])
        if kind == f"{PROVIDER}/flexibleServers":
            host = f"{parts[-1]}.postgres.database.azure.com"
            # Azure takes the mode as an order and does not show it.
            mode = resource["properties"].pop("createMode", "Default")
            role = "AsyncReplica" if mode == "Replica" else "Primary"
            resource["properties"] |= {
                "state": "Ready",
                "fullyQualifiedDomainName": host,
                "replicationRole": role,
            }
            extensions = f"{key}/configurations/azure.extensions"
            self.resources.setdefault(
                extensions,
                {
                    "id": f"{path}/configurations/azure.extensions",
                    "name": "azure.extensions",
                    "type": f"{PROVIDER}/flexibleServers/configurations",
                    "properties": {"value": "", "defaultValue": ""},
                },
            )
        if kind.endswith("/administrators"):
            resource["properties"]["objectId"] = parts[-1]
        self.resources[key] = resource
        return resource

    def collection(self, key):
        """Return the list that *key* names, or 404 when its owner does not exist."""
        group, ending, _ = key.partition(
            f"/providers/{PROVIDER.lower()}/flexibleservers"
        )
        if ending and key.endswith(ending) and group in self.resources:
            return 200, {
                "value": [each for each in self.servers() if is_in(each, group)]
            }
        level = key.count("/") + 2
        owner = key.rpartition("/")[0]
        if owner not in self.resources or not key.endswith(COLLECTIONS):
            text = f"The Resource '{key}' was not found."
            return 404, {"error": {"code": "ResourceNotFound", "message": text}}
        found = [
            resource
            for k, resource in self.resources.items()
            if k.startswith(key + "/") and len(k.split("/")) == level
        ]
        return 200, {"value": found}


class Handler(BaseHTTPRequestHandler):
    """HTTP around :class:`Azure`; the identity endpoint shares it."""

    protocol_version = "HTTP/1.1"
    azure: Azure

    def reply(self):
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        if address.path.startswith("/upload/"):
            self.store_blob(sent)
            return
        body = json.loads(sent or b"{}")
        if address.path == "/identity":
            status, answer = 200, token(parse_qs(address.query)["resource"][0])
        else:
            status, answer = self.azure.answer(self.command, address.path, body)
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 202:
            operation = f"https://{self.headers['Host']}/operations/1"
            self.send_header("Azure-AsyncOperation", operation)
            self.send_header("Retry-After", "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def store_blob(self, content):
        """Take a file, as Azure's storage does."""
        self.azure.uploaded = content
        self.send_response(201)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("x-ms-request-server-encrypted", "true")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = reply

    def log_message(self, *args):
        pass


def token(resource):
    """Return a managed identity's answer: a token for *resource*, valid for an hour."""
    expires = int(time.time()) + 3600
    claims = {
        "aud": resource,
        "exp": expires,
        "oid": OBJECT_ID,
        "tid": TENANT,
        "upn": USER,
    }
    return {
        "access_token": jwt.encode(claims, "loopback-only" * 4, algorithm="HS256"),
        "expires_on": str(expires),
        "resource": resource,
        "token_type": "Bearer",
    }


def certificate(folder: Path):
    """Return the paths of a certificate for localhost and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback Azure")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    crt, pem = folder / "azure.crt", folder / "azure.key"
    crt.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return crt, pem


def serve(azure, folder):
    """Return two running servers on loopback: Resource Manager and the identity."""
    handler = type("Loopback", (Handler,), {"azure": azure})
    arm = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    identity = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder))
    arm.socket = context.wrap_socket(arm.socket, server_side=True)
    azure.address = f"https://localhost:{arm.server_port}"
    for server in (arm, identity):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return arm, identity


def cloud(port):
    """Return the endpoints of a cloud that is this machine, as az registers them."""
    here = f"https://localhost:{port}"
    return {
        "endpoints": {
            "activeDirectory": here,
            "activeDirectoryResourceId": here,
            "activeDirectoryGraphResourceId": here,
            "management": here,
            "microsoftGraphResourceId": here,
            "ossrdbmsResourceId": "https://ossrdbms-aad.database.windows.net",
            "resourceManager": here,
        },
        "suffixes": {
            "acrLoginServerEndpoint": ".azurecr.io",
            "postgresqlServerEndpoint": ".postgres.database.azure.com",
        },
    }
