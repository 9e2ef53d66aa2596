"""A dry run without az: every command is shown, and answered as if all went well."""

from __future__ import annotations

from typing import Any

from vectorshop.azure.account import Account
from vectorshop.azure.cli import MINIMUM_VERSION, Az, command_name
from vectorshop.azure.console import Console
from vectorshop.azure.deployment import HOST_SUFFIX, SKU, TAG, TAG_VALUE, VERSION

# What only az knows, as it stands in the commands that are shown.
UNKNOWN = Account(
    object_id="YOUR_OBJECT_ID",
    name="YOUR_NAME",
    kind="User",
    subscription="YOUR_SUBSCRIPTION",
    known_tag="xxxxxxxx",
)
EXPLANATION = (
    "These are all commands of {action}, {where}. YOUR_… stands for what only az or the "
    "network knows, xxxxxxxx for 8 digits made from your object id."
)


class OfflineAz(Az):
    """An az that is not asked. `create` finds nothing, the others a server without parts."""

    offline = True

    def __init__(self, console: Console, *, subscription: str, action: str) -> None:
        self.console = console
        self.subscription = subscription
        self.action = action
        self.dry_run = True

    def read(self, *words: str) -> Any:
        """Show the command; return what az answers where it finds what it should."""
        self.console.command(["az", *words, *self._subscription()])
        return self.answer(command_name(words), options_of(words))

    def find(self, *words: str) -> Any | None:
        return self.read(*words)

    def answer(self, command: str, options: dict[str, str]) -> Any:
        """Return the answer to one command that reads."""
        new = self.action == "create"
        ours = {"tags": {TAG: TAG_VALUE}}
        match command.removeprefix("postgres flexible-server "):
            case "version":
                return {"azure-cli": ".".join(map(str, MINIMUM_VERSION))}
            case "provider show":
                return {"registrationState": "NotRegistered"}
            case "group show":
                return None if new else ours
            case "show":
                return None if new else server(options["name"]) | ours
            case "parameter show":
                return {"value": ""}
            case "firewall-rule list":
                # Those of azdeploy, so that their deletion is shown.
                names = self.rules if self.action == "firewall" else ()
                everyone = {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}
                return [{"name": name, **everyone} for name in names]
            case "microsoft-entra-admin list":
                admin = {"objectId": UNKNOWN.object_id, "principalName": UNKNOWN.name}
                return [] if self.action in ("create", "admin") else [admin]
            case _:
                return []

    rules: tuple[str, ...] = ()


def options_of(words: tuple[str, ...]) -> dict[str, str]:
    """Return the options of a command line, each with its value."""
    pairs = zip(words, words[1:], strict=False)
    return {word[2:]: value for word, value in pairs if word.startswith("--")}


def server(name: str) -> dict[str, Any]:
    """Return a server that is as `create` makes it."""
    return {
        "name": name,
        "state": "Ready",
        "version": VERSION,
        "sku": {"name": SKU},
        "fullyQualifiedDomainName": f"{name}{HOST_SUFFIX}",
        "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
    }
