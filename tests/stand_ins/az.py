"""A stand-in for the az CLI: keeps a scripted Azure in a file and records every call.

Run as a program in a folder named by AZ_STAND_IN: `state.json` holds what exists,
`calls.jsonl` gets one list of arguments a call. `state["faults"]` maps the beginning of
a command line to the way it fails: {"status": 1, "stderr": "text", "seconds": 0}.
"""

# Started hundreds of times: pathlib and base64 would double the time it takes to start.
import binascii
import json
import os
import sys
import time

OBJECT_ID = "5f2b6a5e-3c8f-4d0a-9d6c-0e3b1f7a2c11"
USER = "ada@example.org"
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
WANTS_PASSWORD = (
    "ERROR: (MissingRequiredParameter) Parameter 'AdministratorLoginPassword' must be "
    "specified\nCode: MissingRequiredParameter\n"
    "Message: Parameter 'AdministratorLoginPassword' must be specified"
)


def fresh(**changes):
    """Return the state of a signed-in account with an empty subscription."""
    return {
        "version": "2.91.0",
        "signed_in": True,
        "claims": {"oid": OBJECT_ID, "upn": USER},
        "registered": True,
        "skus": {
            "Burstable": ["Standard_B1ms"],
            "GeneralPurpose": ["Standard_D2ds_v5"],
        },
        "restricted": False,
        # Does Azure want a password although passwords cannot sign in?
        "wants_password": False,
        "ignores_password_auth": False,
        "groups": {},
        "servers": {},
        # What `app` makes: by kind, as in PARTS, and name.
        "parts": {},
        "grants": [],
        "job_ends": "Succeeded",
        "runs": [],
        "faults": {},
        **changes,
    }


class Stop(Exception):
    """Ends the program with a status and a text on standard error."""

    def __init__(self, status, text):
        self.status, self.text = status, text


def missing(what):
    return Stop(3, f"ERROR: (ResourceNotFound) {what} was not found.")


def parse(argv):
    """Return the command's words and its options, as az's parser would."""
    words, options, name = [], {}, None
    for word in argv:
        if word.startswith("--"):
            name = word[2:]
            options[name] = True
        elif name:
            options[name] = word
        else:
            words.append(word)
    return " ".join(words), options


def token(claims):
    parts = ({"alg": "none"}, claims)
    texts = [binascii.b2a_base64(json.dumps(part).encode()) for part in parts]
    urlsafe = bytes.maketrans(b"+/", b"-_")
    return b".".join(
        [*(text.translate(urlsafe, b"=\n") for text in texts), b"signature"]
    ).decode()


def tags(options):
    key, _, value = options["tags"].partition("=")
    return {key: value}


def server_of(state, options):
    name = options.get("server-name") or options["name"]
    if name not in state["servers"]:
        raise missing(f"The server {name}")
    return state["servers"][name]


def show(server):
    return {key: value for key, value in server.items() if not key.startswith("_")}


def answer(state, command, options):
    """Return the answer to one command, having changed the state."""
    if command == "version":
        return {"azure-cli": state["version"]}
    if not state["signed_in"]:
        raise Stop(1, "ERROR: Please run 'az login' to setup account.")
    area = command.removeprefix("postgres flexible-server ")
    handler = HANDLERS.get(area)
    if handler is None:
        raise Stop(2, f"ERROR: '{command}' is misspelled or not recognized")
    return handler(state, options)


def group_show(state, options):
    name = options["name"]
    if name not in state["groups"]:
        raise missing(f"Resource group {name}")
    return state["groups"][name]


def group_create(state, options):
    group = {
        "name": options["name"],
        "location": options["location"],
        "tags": tags(options),
    }
    state["groups"][options["name"]] = group
    return group


def group_delete(state, options):
    del state["groups"][options["name"]]
    state["servers"] = {
        name: server
        for name, server in state["servers"].items()
        if server["resourceGroup"] != options["name"]
    }


def list_skus(state, options):
    return [
        {
            "supportedFeatures": [
                {
                    "name": "OfferRestricted",
                    "status": "Enabled" if state["restricted"] else "Disabled",
                }
            ],
            "supportedServerEditions": [
                {"name": tier, "supportedServerSkus": [{"name": sku} for sku in skus]}
                for tier, skus in state["skus"].items()
            ],
            "supportedServerVersions": [{"name": "16"}, {"name": "17"}],
        }
    ]


def create(state, options):
    if options["resource-group"] not in state["groups"]:
        raise missing("The resource group")
    password = options.get("admin-password")
    if state["wants_password"] and not password:
        raise Stop(1, WANTS_PASSWORD)
    state["passwords"] = [*state.get("passwords", ()), password]
    enabled = state["ignores_password_auth"] or options["password-auth"] == "Enabled"
    state["servers"][options["name"]] = server(
        options["name"],
        group=options["resource-group"],
        location=options["location"],
        version=options["version"],
        sku={"name": options["sku-name"], "tier": options["tier"]},
        tags=tags(options),
        authConfig={
            "activeDirectoryAuth": options["microsoft-entra-auth"],
            "passwordAuth": "Enabled" if enabled else "Disabled",
        },
    )
    if password:
        # The real one only prints it where passwords can sign in.
        sys.stderr.write(f"WARNING: made {options['admin-user']} with {password}\n")
    return {"host": options["name"], "password": password}


def server(name, *, group="rg-exercises", **changes):
    """Return a server as az shows one; keys with an underscore are not shown."""
    return {
        "name": name,
        "resourceGroup": group,
        "location": "eastus2",
        "state": "Ready",
        "version": "17",
        "sku": {"name": "Standard_B1ms", "tier": "Burstable"},
        "fullyQualifiedDomainName": f"{name}.postgres.database.azure.com",
        "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
        "network": {"publicNetworkAccess": "Enabled"},
        "replicationRole": "Primary",
        "sourceServerResourceId": None,
        "tags": {"created-by": "vectorshop-azdeploy"},
        "_extensions": "",
        "_rules": {},
        "_admins": {},
        **changes,
    }


def server_list(state, options):
    return [
        show(server)
        for server in state["servers"].values()
        if server["resourceGroup"] == options["resource-group"]
    ]


def replica_create(state, options):
    source = state["servers"][options["source-server"]]
    if source["sku"]["tier"] == "Burstable":
        raise Stop(1, "ERROR: Read replica is not supported for the Burstable tier.")
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{source['resourceGroup']}"
    state["servers"][options["name"]] = server(
        options["name"],
        group=options["resource-group"],
        sku=source["sku"],
        tags=tags(options),
        replicationRole="AsyncReplica",
        sourceServerResourceId=f"{path}/providers/Microsoft.DBforPostgreSQL/"
        f"flexibleServers/{source['name']}",
    )


def make_ready(state, options):
    server_of(state, options)["state"] = "Ready"


def parameter_set(state, options):
    server_of(state, options)["_extensions"] = options["value"]


def rule_list(state, options):
    return [
        {"name": name, "startIpAddress": first, "endIpAddress": last}
        for name, (first, last) in server_of(state, options)["_rules"].items()
    ]


def rule_create(state, options):
    span = options["start-ip-address"], options["end-ip-address"]
    server_of(state, options)["_rules"][options["name"]] = span


def rule_delete(state, options):
    del server_of(state, options)["_rules"][options["name"]]


def admin_list(state, options):
    return [
        {"objectId": object_id, "principalName": name, "principalType": kind}
        for object_id, (name, kind) in server_of(state, options)["_admins"].items()
    ]


def admin_create(state, options):
    admin = options["display-name"], options["type"]
    server_of(state, options)["_admins"][options["object-id"]] = admin


def register(state, options):
    state["registered"] = True


def resource_list(state, options):
    group = options["resource-group"]
    servers = [
        {"name": name, "type": "Microsoft.DBforPostgreSQL/flexibleServers"}
        for name, server in state["servers"].items()
        if server["resourceGroup"] == group
    ]
    parts = [
        {"name": name, "type": PARTS[kind], "tags": part["tags"]}
        for kind, found in state["parts"].items()
        for name, part in found.items()
    ]
    return servers + parts + state["groups"][group].get("_others", [])


# What `app` makes

PARTS = {
    "containerapp": "Microsoft.App/containerApps",
    "containerapp job": "Microsoft.App/jobs",
    "containerapp env": "Microsoft.App/managedEnvironments",
    "monitor log-analytics workspace": "Microsoft.OperationalInsights/workspaces",
    "acr": "Microsoft.ContainerRegistry/registries",
    "identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
}


def part_list(kind):
    return lambda state, options: list(state["parts"].get(kind, {}).values())


def part_create(kind):
    def create(state, options):
        name, group = options["name"], options["resource-group"]
        place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers"
        part = {"id": f"{place}/{PARTS[kind]}/{name}", "name": name}
        if "yaml" in options:
            part |= document(options)
        else:
            part |= {"tags": tags(options), **made_of(name, options)}
            if "secrets" in options:
                state.setdefault("secrets", []).append(options["secrets"])
        state["parts"].setdefault(kind, {})[name] = part

    return create


def made_of(name, options):
    """Return what az shows of a new part of any kind."""
    container = {"name": name, "image": options.get("image")}
    fqdn = f"{name}.lab.azurecontainerapps.io"
    return {
        "principalId": f"{'1' if 'setup' in name else '2'}0000000{OBJECT_ID[8:]}",
        "clientId": f"client-of-{name}",
        "customerId": "99999999-9999-4999-8999-999999999999",
        "loginServer": f"{name}.azurecr.io",
        "properties": {
            "defaultDomain": "lab.azurecontainerapps.io",
            "configuration": {"ingress": {"fqdn": fqdn}},
            "template": {"containers": [container]},
        },
    }


def document(options):
    with open(options["yaml"]) as file:  # noqa: PTH123
        return json.load(file)


def part_update(kind):
    def update(state, options):
        part = state["parts"][kind][options["name"]]
        part["properties"]["template"] = document(options)["properties"]["template"]

    return update


def part_delete(kind):
    def delete(state, options):
        del state["parts"][kind][options["name"]]

    return delete


def job_start(state, options):
    number = len(state["runs"])
    job = state["parts"]["containerapp job"][options["name"]]
    about = {
        "startTime": f"2026-01-01T00:00:{number:02}Z",
        "status": state["job_ends"],
        "template": job["properties"]["template"],
    }
    state["runs"].append({"name": f"run-{number}", "properties": about})


def grant(state, options):
    state["grants"].append([options["assignee-object-id"], options["scope"]])


def grants(state, options):
    return [
        {"principalId": who, "scope": scope}
        for who, scope in state["grants"]
        if [who, scope] == [options["assignee-object-id"], options["scope"]]
    ]


PART_HANDLERS = {
    f"{kind} {verb}": make(kind)
    for kind in PARTS
    for verb, make in (
        ("list", part_list),
        ("create", part_create),
        ("delete", part_delete),
    )
} | {
    f"{kind} update": part_update(kind) for kind in ("containerapp", "containerapp job")
}


def server_delete(state, options):
    del state["servers"][options["name"]]


HANDLERS = {
    "account show": lambda s, o: {"name": "Lab", "id": SUBSCRIPTION},
    "account get-access-token": lambda s, o: {"accessToken": token(s["claims"])},
    "provider show": lambda s, o: {
        "registrationState": "Registered" if s["registered"] else "NotRegistered"
    },
    "provider register": register,
    "group show": group_show,
    "group create": group_create,
    "group delete": group_delete,
    "resource list": resource_list,
    "list-skus": list_skus,
    "create": create,
    "show": lambda s, o: show(server_of(s, o)),
    "list": server_list,
    "replica create": replica_create,
    "start": make_ready,
    "wait": make_ready,
    "delete": server_delete,
    "parameter show": lambda s, o: {"value": server_of(s, o)["_extensions"]},
    "parameter set": parameter_set,
    "firewall-rule list": rule_list,
    "firewall-rule create": rule_create,
    "firewall-rule delete": rule_delete,
    "microsoft-entra-admin list": admin_list,
    "microsoft-entra-admin create": admin_create,
    **PART_HANDLERS,
    "acr build": lambda s, o: s.setdefault("images", []).append(o["image"]),
    "containerapp job start": job_start,
    "containerapp job execution list": lambda s, o: s["runs"],
    "role assignment list": grants,
    "role assignment create": grant,
}


def fail_as_ordered(state, argv):
    line = " ".join(argv)
    for start, fault in state["faults"].items():
        if line.startswith(start):
            time.sleep(fault.get("seconds", 0))
            if fault.get("status"):
                raise Stop(fault["status"], fault.get("stderr", ""))


def main(argv):
    folder = os.environ["AZ_STAND_IN"]
    with open(f"{folder}/calls.jsonl", "a") as calls:  # noqa: PTH123
        calls.write(json.dumps(argv) + "\n")
    with open(f"{folder}/state.json") as file:  # noqa: PTH123
        state = json.load(file)
    try:
        fail_as_ordered(state, argv)
        command, options = parse(argv)
        for name, value in options.items():
            if isinstance(value, str) and value.endswith("@-"):
                options[name] = value[:-2] + sys.stdin.read()
        result = answer(state, command, options)
    except KeyboardInterrupt:
        return 130
    except Stop as stop:
        sys.stderr.write(stop.text + "\n")
        return stop.status
    with open(f"{folder}/state.json", "w") as file:  # noqa: PTH123
        json.dump(state, file)
    if result is not None:
        sys.stdout.write(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
