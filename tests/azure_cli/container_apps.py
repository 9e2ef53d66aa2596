"""What the loopback Azure answers about registries, identities, jobs and apps."""

import re

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
LOCATIONS = ["East US 2"]
KINDS = {
    "Microsoft.App": ("containerApps", "jobs", "managedEnvironments"),
    "Microsoft.ContainerRegistry": ("registries",),
    "Microsoft.ManagedIdentity": ("userAssignedIdentities",),
    "Microsoft.OperationalInsights": ("workspaces",),
}
NAMESPACES = {name.lower(): name for name in KINDS}
RUN = {"properties": {"runId": "r1", "status": "Succeeded"}, "name": "r1"}


def resource_types(namespace):
    """Return the types that az looks for before it makes one in a region."""
    return [
        {"resourceType": kind, "locations": LOCATIONS, "apiVersions": ["2025-07-01"]}
        for kind in KINDS.get(NAMESPACES.get(namespace.lower(), ""), ())
    ]


def shown(kind, name):
    """Return what Azure adds to a new resource by itself."""
    domain = "lab.azurecontainerapps.io"
    number = "1" if "setup" in name else "2"
    return {
        "userassignedidentities": {
            "principalId": f"{number * 8}-0000-4000-8000-000000000000",
            "clientId": f"{number * 8}-1111-4111-8111-111111111111",
            "tenantId": "22222222-2222-4222-8222-222222222222",
        },
        "registries": {"loginServer": f"{name}.azurecr.io", "adminUserEnabled": False},
        "workspaces": {"customerId": "99999999-9999-4999-8999-999999999999"},
        "managedenvironments": {"defaultDomain": domain},
    }.get(kind, {})


def answer(azure, method, path, body):
    """Return status and answer to a request about these, None for any other."""
    low = path.lower()
    if "/roleassignments" in low or "/roledefinitions" in low:
        return roles(azure, method, path, body)
    match = re.search(r"/providers/([^/]+)/([^/]+)(?:/([^/]+))?(/.*)?$", low)
    if not match or match[1] not in NAMESPACES:
        return None
    _, kind, name, rest = match.groups()
    if method == "GET" and not name:
        return 200, {"value": found(azure, low.partition("/providers/")[0], kind)}
    if rest is None:
        return None
    return part(azure, method, low, kind, rest, body)


def part(azure, method, low, kind, rest, body):
    """Answer about something of a resource."""
    owner = low.removesuffix(rest)
    match (kind, rest):
        case ("workspaces", "/sharedkeys"):
            return 200, {"primarySharedKey": "bG9vcGJhY2s="}
        case ("containerapps", "/listsecrets"):
            return 200, {"value": azure.secrets.get(owner, [])}
        case ("jobs", "/start"):
            template = azure.resources[owner]["properties"]["template"]
            run = {"status": "Succeeded", "template": template}
            azure.executions.append({"name": "e1", "properties": run})
            return 200, {"id": f"{owner}/executions/e1", "name": "e1"}
        case ("jobs", "/executions"):
            return 200, {"value": azure.executions}
        case ("registries", "/listbuildsourceuploadurl"):
            url = f"{azure.address}/upload/context.tar.gz?sig=loopback"
            return 200, {"uploadUrl": url, "relativePath": "context.tar.gz"}
        case ("registries", "/schedulerun"):
            azure.builds.append(body)
            return 200, RUN
        case ("registries", "/runs/r1"):
            return 200, RUN
    return None


def found(azure, scope, kind):
    """Return the resources of a kind in a group or a subscription."""
    return [
        resource
        for key, resource in azure.resources.items()
        if key.startswith(f"{scope}/") and key.split("/")[-2] == kind
    ]


def roles(azure, method, path, body):
    """Answer about who may pull images."""
    low = path.lower()
    if "/roledefinitions" in low:
        scope = path.partition("/providers/Microsoft.Authorization")[0]
        name = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"
        definition = {
            "id": name,
            "name": ACR_PULL,
            "properties": {"roleName": "AcrPull", "type": "BuiltInRole"},
        }
        return 200, {"value": [definition]}
    if method == "PUT":
        scope = path.partition("/providers/Microsoft.Authorization")[0]
        properties = body["properties"] | {"scope": scope}
        grant = {"id": path, "name": path.rpartition("/")[2], "properties": properties}
        azure.grants.append(grant)
        return 201, grant
    return 200, {"value": azure.grants}
