"""`manage.py azdeploy`: set up Azure Database for PostgreSQL, or take it away."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from vectorshop.azure import (
    account as accounts,
    cleanup,
    connection,
    deployment as deployments,
    dotenv,
    firewall,
    offline,
    options,
    replica,
    roles,
    server as servers,
    status,
)
from vectorshop.azure.account import Account
from vectorshop.azure.cli import Az, AzError
from vectorshop.azure.console import Console
from vectorshop.azure.deployment import PROGRAM, Deployment
from vectorshop.azure.offline import OfflineAz

INTERRUPTED = 130  # as shells report a command ended by Ctrl-C
MENU = {
    "1": ("Create PostgreSQL server with Entra authentication", "create"),
    "2": ("Configure Microsoft Entra administrator", "admin"),
    "3": ("Check deployment status", "status"),
    "4": ("Retrieve connection info", "env"),
    "5": ("Exit", ""),
}


class Command(BaseCommand):
    help = (
        "Creates, checks and deletes an Azure Database for PostgreSQL server that is "
        "signed in to with Microsoft Entra tokens. Without an action it shows a menu."
    )
    requires_system_checks = []  # no database exists yet

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        # Ours is PostgreSQL's --version; Django's own is of no use here.
        return super().create_parser(
            prog_name, subcommand, conflict_handler="resolve", **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        options.add_menu_options(parser)
        actions = parser.add_subparsers(dest="action", metavar="action")
        for name, (about, _) in options.ACTIONS.items():
            action = actions.add_parser(name, help=about, description=about)
            options.add_action_options(action, name)

    def handle(self, *args: Any, **given: Any) -> None:
        self.options = given
        self.console = Console(
            self.stdout, self.stderr, self.style, assume_yes=given["yes"]
        )
        try:
            try:
                self.start()
            except AzError as err:
                if not given["dry_run"]:
                    raise
                self.go_on_without_az(err)
        except KeyboardInterrupt:
            self.console.say()
            raise CommandError(
                f"Interrupted. What Azure has begun may go on: see `{PROGRAM} status`. "
                "The same command again goes on from there.",
                returncode=INTERRUPTED,
            ) from None

    def start(self) -> None:
        if self.options["action"]:
            self.run(self.options["action"])
        else:
            self.menu()

    def go_on_without_az(self, err: AzError) -> None:
        """Show what a dry run would do where az answers as it should."""
        action = self.options["action"] or "create"
        self.console.warn(str(err))
        where = (
            "in an empty subscription" if action == "create" else "on a server as made"
        )
        self.console.say(offline.EXPLANATION.format(action=action, where=where))
        self.az = OfflineAz(
            self.console, subscription=self.options["subscription"], action=action
        )
        self.account = offline.UNKNOWN
        self.deployment = deployments.planned(self.options, self.account)
        if self.options.get("ip") == "none":
            self.az.rules = (firewall.rule_name(self.deployment), firewall.AZURE_RULE)
        self.run(action)

    def run(self, action: str) -> None:
        step: Callable[[], None] = getattr(self, action)
        step()
        if self.options["dry_run"]:
            self.console.say("Dry run: nothing was changed.")

    @cached_property
    def az(self) -> Az:
        az = Az(
            self.console,
            subscription=self.options["subscription"],
            dry_run=self.options["dry_run"],
        )
        accounts.check_version(az)
        return az

    @cached_property
    def account(self) -> Account:
        account = accounts.signed_in(self.az)
        self.console.say(
            f"Signed in as {account.name}, subscription {account.subscription}"
        )
        return account

    @cached_property
    def deployment(self) -> Deployment:
        return deployments.planned(self.options, self.account)

    def menu(self) -> None:
        """Ask for an option until 5, the end of the input, or Ctrl-C."""
        self.show_menu()
        while True:
            try:
                choice = self.console.ask("Please select an option (1-5):")
            except (EOFError, KeyboardInterrupt):
                self.console.say()
                return
            label, action = MENU.get(choice, ("", ""))
            if choice == "5":
                return
            if not action:
                self.console.warn("Please select 1, 2, 3, 4 or 5.")
                continue
            self.console.say(self.style.MIGRATE_HEADING(label))
            try:
                self.run(action)
            except CommandError as err:
                self.console.error(str(err))
            self.console.say()

    def show_menu(self) -> None:
        deployment = self.deployment
        title = "Azure Database for PostgreSQL deployment"
        self.console.say()
        self.console.say(self.style.MIGRATE_HEADING(title))
        self.console.say(f"Resource group  {deployment.group}")
        self.console.say(f"Server name     {deployment.server}")
        self.console.say(f"Location        {deployment.location}")
        self.console.say()
        for number, (label, _) in MENU.items():
            self.console.say(f"{number}. {label}")
        self.console.say()

    def create(self) -> None:
        servers.create(
            self.az,
            self.deployment,
            self.account,
            ip=self.options["ip"],
            allow_azure=self.options["allow_azure"],
        )

    def admin(self) -> None:
        servers.existing_server(self.az, self.deployment)
        servers.set_administrator(self.az, self.deployment, self.account)

    def status(self) -> None:
        if self.az.offline:
            status.ask(self.az, self.deployment)
            return
        status.show(self.az, self.deployment)

    def env(self) -> None:
        connection.write_files(
            self.az,
            self.deployment,
            self.account,
            Path(settings.BASE_DIR),
            with_token=self.options["with_token"],
        )

    def role(self) -> None:
        server = servers.existing_server(self.az, self.deployment)
        principal = roles.Principal(
            self.options["name"], self.options["object_id"], self.options["type"]
        )
        user = connection.database_user(self.az, self.deployment, self.account)
        dry_run = self.options["dry_run"]
        if self.az.offline:
            for statement in roles.planned(principal):
                self.console.say(f"{statement};")
            return
        database = roles.connect(server["fullyQualifiedDomainName"], user)
        for statement in roles.create(database, principal, dry_run=dry_run):
            self.console.say(f"{statement};")
        if not dry_run:
            self.console.done(f"Role {principal.name} may read and write rows")
        self.console.say(
            f"The app connects with DB_USER={principal.name}. Migrate as yourself, acting "
            f"as the owner: DB_ASSUME_ROLE={roles.OWNER} python manage.py migrate"
        )

    def replica(self) -> None:
        replica.create(
            self.az, self.deployment, self.options["name"], ip=self.options["ip"]
        )

    def firewall(self) -> None:
        servers.existing_server(self.az, self.deployment)
        firewall.apply(
            self.az,
            self.deployment,
            firewall.wanted_range(self.az, self.options["ip"]),
            allow_azure=self.options["allow_azure"],
            existing=firewall.rules(self.az, self.deployment),
        )

    def cleanup(self) -> None:
        named = self.options["resource_group"] is not None
        cleanup.clean_up(self.az, self.deployment, group_was_named=named)
        if not self.options["dry_run"]:
            host = self.deployment.server + deployments.HOST_SUFFIX
            for path in dotenv.forget(Path(settings.BASE_DIR), host):
                self.console.done(f"{path} no longer names the deleted server")
