"""
The world of the demo: a Git server, three stand-in clusters, their controllers, and a story that moves.

Everything lies in one data folder. `prepare` builds it once, `run` serves it until it is told to stop;
neither needs Django or a database. Other programs find their way by `world.json`:

    version         of this description and of what the story expects to find
    notice          a sentence for people: that all of this is a stand-in
    seeded_at       when it was built, ISO 8601 in UTC
    git             {url, port, host_port}: the Git server, plain HTTP on loopback, reading needs no password
    config_url      the URL of the config repository; `config_name` is its name
    components      [{name, repository_url, image, tag_prefix}]
    environments    [{name, cluster, namespace}] in their order
    clusters        [{name, url, port, host_port, kubeconfig, environments}]; `kubeconfig` is a file of this
                    folder (mode 0600) with a token that may only read
    applications    [{name, component, environment, cluster, namespace, path, renderer, values_files,
                    release_name}]; `name` is what the marks of the controller say
    tokens          the file of this folder (mode 0600) with the tokens: cluster → {reader, writer}

It is written last: where it is, the folder is whole.
"""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

from apps.demo.building import VERSION, WORLD_FILE, build, read_world
from apps.demo.cluster_host import OpenHost
from apps.demo.playing import Pace, Teller, play
from apps.demo.standin_host import open_stand_in
from gitopsui.adapters.render import Tools
from gitopsui.domain.errors import InputError

__all__ = ["WORLD_FILE", "Pace", "prepare", "run"]


def prepare(
    data: Path,
    now: datetime,
    *,
    tools: Tools,
    git_port: int = 0,
    cluster_port: int = 0,
    open_host: OpenHost = open_stand_in,
) -> None:
    """
    Build the repositories and clusters below `data` with a year of history that ends at `now`. Does
    nothing where that was done before.

    The clusters listen at `cluster_port` and the two after it; port 0 takes free ones, which are kept.
    Raises SourceError and OSError, and can then be called again; InputError with code DEMO_OUTDATED
    where an earlier version of the program built another world.
    """
    if not (data / WORLD_FILE).exists():
        build(data, now, tools=tools, open_host=open_host, git_port=git_port, cluster_port=cluster_port)
    elif read_world(data)["version"] != VERSION:
        raise InputError("This demo was built by an earlier version of the program.", code="DEMO_OUTDATED")


def run(
    data: Path,
    stop: threading.Event,
    *,
    tools: Tools,
    open_host: OpenHost = open_stand_in,
    pace: Pace | None = None,
    tell: Teller = lambda _: None,
) -> None:
    """
    Serve the world below `data` until `stop` is set, then save and return. `tell` gets a sentence for each
    event. Raises FileNotFoundError before `prepare`, and OSError when a port is taken.
    """
    play(data, stop, tools=tools, open_host=open_host, pace=pace or Pace(), tell=tell)
