"""`manage.py connect GIT_URL`: connect a repository, and a cluster, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.services import find_or_make_project
from apps.environments import connect
from apps.environments.models import Cluster
from apps.environments.services import clusters, layouts
from apps.repositories import connect as repository_connect
from apps.repositories import services as repositories
from apps.repositories.models import Repository
from gitopsui.adapters.git_address import check_url
from gitopsui.adapters.kubeconfig import parse_kubeconfig, read_only_role, service_account_commands
from gitopsui.domain.errors import InputError, SourceError
from gitopsui.domain.layout import Layout

FILE_LIMIT = 200_000


class Command(BaseCommand):
    """Clone, recognise, take what can be taken, and say what cannot and why."""

    help = "Connect a Git repository, and a cluster, and put what they hold on the board."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("git_url", help="https://… or ssh://… address of the config repository")
        parser.add_argument(
            "--project", default="", help="project it belongs to (default: the name of the repository)"
        )
        parser.add_argument("--branch", default="", help="watched branch (default: that of the remote)")
        parser.add_argument("--kubeconfig", type=Path, help="file with the access to a cluster")
        parser.add_argument(
            "--context", default="", help="context of the kubeconfig (default: its current one)"
        )
        parser.add_argument(
            "--environment",
            action="append",
            default=[],
            help="runs on this cluster; repeat it (default: all)",
        )
        parser.add_argument("--namespace", default="", help="namespace of charts that name none")
        parser.add_argument(
            "--credential-file",
            type=Path,
            help="a file with `username:token`, or the token alone, in one line",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._connect(options)
        except (InputError, SourceError) as error:
            hint = getattr(error, "hint", "")
            raise CommandError(f"{error} {hint}".strip()) from error

    def _connect(self, options: dict[str, Any]) -> None:
        repository = self._repository(options)
        self.stdout.write(f"Reading {repository.url} …")
        git = repository_connect.mirror(repository)
        repositories.poll_repository(repository, git=git)
        layout = layouts.recognise_repository(repository, git=git)
        layouts.store_layout(repository, layout)
        self._print_layout(layout)
        if options["dry_run"]:
            return
        placed = self._clusters(repository, options)
        proposals = layouts.in_namespace(layout.proposals, options["namespace"])
        taken = layouts.take_layout(repository, proposals, environments=layout.environments, clusters=placed)
        self.stdout.write(
            f"Took {taken.applications} applications of {taken.components} components "
            f"in {taken.environments} environments. They are checked as soon as a worker runs."
        )

    def _repository(self, options: dict[str, Any]) -> Repository:
        policy = repository_connect.git_policy()
        name = options["project"] or repositories.name_of(check_url(options["git_url"], policy))
        return repositories.connect_repository(
            find_or_make_project(name[:100]),
            options["git_url"],
            policy=policy,
            by=None,
            credential=_credential(options["credential_file"]),
            is_config=True,
            branch=options["branch"],
        )

    def _print_layout(self, layout: Layout) -> None:
        for proposal in layout.proposals:
            reason = f"  — {proposal.reason}" if proposal.reason else ""
            place = (
                f"{proposal.component:24} {proposal.environment:14} {proposal.renderer:10} {proposal.path}"
            )
            self.stdout.write(f"  {place}{reason}")
        for finding in layout.findings:
            mark = " " if finding.is_understood else "?"
            self.stdout.write(f"{mark} {finding.title}: {finding.detail}")
        if not layout.proposals:
            self.stdout.write("Nothing was recognised as an application.")

    def _clusters(self, repository: Repository, options: dict[str, Any]) -> dict[str, Cluster]:
        if options["kubeconfig"] is None:
            self.stdout.write("No cluster: versions, history and notes only. Add one with --kubeconfig.")
            return {}
        text = _read(options["kubeconfig"])
        try:
            found = parse_kubeconfig(text, context=options["context"], policy=connect.http_policy())
        except InputError as error:
            if error.code == "KUBECONFIG_EXEC":
                self.stderr.write(
                    f"{error}\n\nRun this where kubectl works:\n\n{service_account_commands('gitopsui')}"
                )
                self.stderr.write(f"The role by itself:\n\n{read_only_role()}")
            raise
        for note in found.notes:
            self.stdout.write(f"  note: {note}")
        cluster = clusters.connect_cluster(repository.project, found.cluster_name, found.access, by=None)
        self.stdout.write(f"Cluster {cluster.name} at {cluster.server}.")
        return dict.fromkeys(options["environment"] or [""], cluster)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise CommandError(f"{path.name} is larger than {FILE_LIMIT} bytes; that is no such file.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path.name} cannot be read: {type(error).__name__}.") from error


def _credential(path: Path | None) -> repositories.NewCredential | None:
    if path is None:
        return None
    username, colon, password = _read(path).strip().partition(":")
    return repositories.NewCredential(
        username=username if colon else "git", password=password if colon else username
    )
