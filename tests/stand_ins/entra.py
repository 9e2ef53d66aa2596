"""Microsoft Entra on loopback: issues signed tokens and serves managed identities.

Two protocols, as documented by Microsoft: App Service (IDENTITY_ENDPOINT) and the
instance metadata service of virtual machines (IMDS).
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "https://ossrdbms-aad.database.windows.net"
HEADER = "the-identity-header"
HOUR = 3600
# An answer of App Service's endpoint when it has no token to give.
OUT_OF_ORDER = 400, '{"statusCode": 400, "message": "out of order"}'


class Refused(Exception):
    """Why a token is not accepted, in the words of Azure's servers."""


class Issuer:
    """Signs tokens, and knows a genuine one from a forged one."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(
        self, *, lifetime: float = HOUR, audience: str = AUDIENCE, **claims
    ) -> str:
        """Return a token of *lifetime* seconds with *claims*, by this issuer's key."""
        now = time.time()
        payload = {"aud": audience, "iat": now, "exp": now + lifetime, **claims}
        # Real tokens carry some 1,500 bytes of other claims.
        payload.setdefault("padding", "x" * 900)
        return jwt.encode(payload, self.key, algorithm="RS256")

    def claims_of(self, token: str) -> dict:
        """Return the claims of a token that is good now. Raises Refused."""
        try:
            claims = jwt.decode(
                token,
                self.key.public_key(),
                algorithms=["RS256"],
                audience=AUDIENCE,
                # PyJWT's clock cannot be moved by a test; this module's can.
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError as err:
            raise Refused(
                "The access token does not have a valid audience claim."
            ) from err
        except jwt.InvalidTokenError as err:
            raise Refused("password authentication failed") from err
        if claims["exp"] <= time.time():
            raise Refused(
                "The access token has expired. Acquire a new token and retry."
            )
        return claims


class IdentityEndpoint:
    """The server that a managed identity's tokens come from.

    claims, lifetime: of the tokens to come. failure: (status, body) to answer with
    instead. hold: called before each answer. requests: their parameters so far.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def reset(self) -> None:
        self.claims: dict = {}
        self.lifetime: float = HOUR
        self.failure: tuple[int, str] | None = None
        self.hold: Callable[[], object] = lambda: None
        self.requests: list[dict[str, str]] = []
        self.issued: list[str] = []

    def environment(self, protocol: str = "app-service") -> dict[str, str]:
        """Return the variables with which azure-identity finds this server."""
        if protocol == "imds":
            return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.url}
        return {
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": HEADER,
        }

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, query: dict[str, str]) -> tuple[int, str]:
        self.requests.append(query)
        self.hold()
        if self.failure:
            return self.failure
        token = self.issuer.issue(
            lifetime=self.lifetime, audience=query["resource"], **self.claims
        )
        self.issued.append(token)
        return 200, json.dumps(
            {
                "access_token": token,
                "expires_on": str(int(time.time() + self.lifetime)),
                "expires_in": str(int(self.lifetime)),
                "resource": query["resource"],
                "token_type": "Bearer",
                "client_id": query.get("client_id", ""),
            }
        )

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                status, body = 404, "no such path"
                if url.path == "/msi/token":
                    status, body = 401, "wrong X-IDENTITY-HEADER"
                    if self.headers["X-IDENTITY-HEADER"] == HEADER:
                        status, body = endpoint.answer(query)
                elif url.path == "/metadata/identity/oauth2/token":
                    status, body = 400, "no header Metadata: true"
                    if self.headers["Metadata"] == "true":
                        status, body = endpoint.answer(query)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args: object) -> None:
                """Keep the test's output quiet."""

        return Handler
