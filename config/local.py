"""`manage.py local [--data DIR] -- COMMAND`: runs a command with a database, a Redis and secrets of its own.

What the environment already sets is used instead and always wins.
"""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from config.postgres import postgres
from config.processes import StartError, die_with_parent
from config.redis import redis
from config.secrets import kept_secrets

_WEB_PORT, _SANDBOX_PORT = 8000, 9000
_FILLED = "PGB_LOCAL_ADDRESSES"  # names the addresses that nobody gave: they may follow the ports of `up`
DATA = Path(__file__).resolve().parent.parent / ".pgb"
_LONGEST_SOCKET_FOLDER = 80  # bytes: with the name of a socket the path must stay under 108
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Returns the command's exit code; 1 and a sentence on standard error when the servers cannot start."""
    parser = argparse.ArgumentParser(prog="manage.py local", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="keeps the database (default: .pgb)")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="what to run, after --")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with local_environment(options.data, os.environ) as environment:
            return _run(options.command, environment)
    except (StartError, OSError) as error:
        print(f"manage.py local: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _leave(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


@contextmanager
def local_environment(data: Path, given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a local installation; its servers run on `data` while the block runs."""
    data = data.absolute()
    if not data.exists():
        data.mkdir(parents=True)
        data.chmod(0o711)  # PostgreSQL may run as another uid, which must reach its own folder in here
    with ExitStack() as stack:
        stack.enter_context(_lock(data))
        servers = stack.enter_context(running_servers(data, given))
        found = {**local_addresses(given), **kept_secrets(data / "secrets.env"), **servers}
        yield {**given, **{name: value for name, value in found.items() if not given.get(name)}}


def follow_ports(given: Mapping[str, str], web_port: int, sandbox_port: int | None) -> dict[str, str]:
    """The environment with the addresses that `local` has filled in moved to these ports."""
    moved = _addresses(given, web_port, sandbox_port or _SANDBOX_PORT)
    return {**given, **{name: value for name, value in moved.items() if name in _filled(given)}}


def local_addresses(given: Mapping[str, str]) -> dict[str, str]:
    """Where a local installation is reached, and the sandbox in the place of the real gateways."""
    filled = {name: value for name, value in _addresses(given).items() if not given.get(name)}
    return {**filled, _FILLED: ",".join(filled)}


def _addresses(
    given: Mapping[str, str], web_port: int = _WEB_PORT, sandbox_port: int = _SANDBOX_PORT
) -> dict[str, str]:
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    if "PGB_SANDBOX_URL" not in _filled(given):
        sandbox = given.get("PGB_SANDBOX_URL", sandbox)
    return {
        "PGB_PUBLIC_URL": f"http://127.0.0.1:{web_port}",
        "PGB_SANDBOX_URL": sandbox,
        "PGB_STRIPE_BASE_URL": sandbox,
    }


def _filled(given: Mapping[str, str]) -> list[str]:
    return given.get(_FILLED, "").split(",")


@contextmanager
def running_servers(data: Path, given: Mapping[str, str], *, durable: bool = True) -> Iterator[dict[str, str]]:
    """Start what `given` does not name: DATABASE_URL, REDIS_URL. `data` must be locked, or nobody else's."""
    found: dict[str, str] = {}
    with ExitStack() as stack:
        sockets = stack.enter_context(_socket_folder(data))
        if not given.get("DATABASE_URL"):
            found["DATABASE_URL"] = stack.enter_context(postgres(data, sockets, durable=durable))
        if not given.get("REDIS_URL"):
            found["REDIS_URL"] = stack.enter_context(redis(data, sockets))
        yield found


@contextmanager
def _lock(data: Path) -> Iterator[None]:
    with (data / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StartError(
                f"the data folder {data} is in use by process {file.read().strip()}. "
                "Stop that one first, or give another folder with --data DIR."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _socket_folder(data: Path) -> Iterator[Path]:
    """A short private folder; a link in `data` remembers it: the next start removes what a kill left."""
    link = data / "sockets"
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()
    folder = Path(tempfile.mkdtemp(prefix="pgb-"))
    if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp"))
    link.symlink_to(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        link.unlink(missing_ok=True)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run it in our place in the terminal, passing on what is sent to us alone."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*_PASSED_ON, signal.SIGCHLD))
    try:
        child = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent(signal.SIGTERM))
    except OSError as error:
        raise StartError(f"cannot run {command[0]}: {error.strerror}") from error
    while child.poll() is None:
        received = signal.sigwaitinfo((*_PASSED_ON, signal.SIGCHLD))
        from_terminal = received.si_pid == 0  # Ctrl-C: the whole foreground group has it already
        if received.si_signo != signal.SIGCHLD and not from_terminal:
            child.send_signal(received.si_signo)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode
