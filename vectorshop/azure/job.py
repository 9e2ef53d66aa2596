"""The job that brings the database up to date before the app gets a new image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vectorshop.azure import containers, image, resources
from vectorshop.azure.cli import Az
from vectorshop.azure.containers import Containers
from vectorshop.azure.deployment import PROGRAM
from vectorshop.azure.resources import Names, find

POLL_SECONDS = 5
# The job ends by itself within JOB_SECONDS, and once more if it is tried again.
MOST_SECONDS = 2 * containers.JOB_SECONDS + 300
ENDED = ("Succeeded", "Failed", "Stopped", "Degraded")


def run(az: Az, names: Names, parts: Containers, project: Path) -> None:
    """Give the job the image, built if it is new, and run the job until it has ended."""
    found = find(az, names, resources.JOB, names.job)
    if found and containers.image_of(found) == parts.image:
        if succeeded(executions(az, names), parts.image):
            az.console.done("The job has brought the database up to date")
            return
    else:
        image.build(az, names, parts.image.partition("/")[2], project)
        az.change(
            *("containerapp", "job", "update" if found else "create"),
            *("--name", names.job, "--resource-group", names.group),
            *(
                "--yaml",
                containers.write(project, "job", parts.job(), dry_run=az.dry_run),
            ),
            what="Changing the job",
            done=f"Job {names.job} has the image",
        )
    before = executions(az, names) if found else []
    az.change(
        *("containerapp", "job", "start"),
        *("--name", names.job, "--resource-group", names.group),
        what="Starting the job",
        done="The job brings the database up to date",
    )
    if not az.dry_run:
        wait(az, names, {execution["name"] for execution in before})


def executions(az: Az, names: Names) -> list[dict[str, Any]]:
    """Return what the job has done, newest first."""
    found = az.read(
        *("containerapp", "job", "execution", "list"),
        *("--name", names.job, "--resource-group", names.group),
    )
    return sorted(found, key=started, reverse=True)


def started(execution: dict[str, Any]) -> str:
    return str(execution["properties"].get("startTime"))


def succeeded(runs: list[dict[str, Any]], of_image: str = "") -> bool:
    """Return whether the newest execution ended well, and had the image if one is named."""
    if not runs or runs[0]["properties"]["status"] != "Succeeded":
        return False
    return not of_image or containers.image_of(runs[0]) == of_image


def wait(az: Az, names: Names, before: set[str]) -> None:
    """Return when the job has ended, by an execution that was not there *before*.

    Raises CommandError when it did not succeed.
    """
    begun = time.monotonic()
    status = "not started"
    while time.monotonic() - begun < MOST_SECONDS:
        runs = [each for each in executions(az, names) if each["name"] not in before]
        if runs:
            status = runs[0]["properties"]["status"]
        if status == "Succeeded":
            az.console.done("The database is up to date")
            return
        if status in ENDED:
            break
        az.console.progress("Waiting for the job", time.monotonic() - begun)
        time.sleep(POLL_SECONDS)
    raise CommandError(
        f"The job {names.job} did not succeed ({status}), so the app was left as it is. "
        "Its log is in the portal: the job, Execution history. Then run "
        f"`{PROGRAM} app` again."
    )
