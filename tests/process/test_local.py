"""`manage.py local` with real servers: started, used, ended, killed, started again."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres
from config.local import DATA
from config.secrets import kept_secrets

pytestmark = pytest.mark.process
ROOT = DATA.parent
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another identity")
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
READY = "print('ready', flush=True);"
SET_HERE = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PGB_FIELD_KEYS", "PGB_PUBLIC_URL", "PGB_LOCAL_ADDRESSES")


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that every uid reaches, as in an ordinary checkout; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="pgb-local-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def start(data: Path, script: str, **environment: str) -> subprocess.Popen[str]:
    outside = {name: value for name, value in os.environ.items() if name not in SET_HERE}
    return subprocess.Popen(
        [sys.executable, "manage.py", "local", "--data", data, "--", sys.executable, "-c", script],
        cwd=ROOT, env={**outside, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(data: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = start(data, script, **environment)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def environment_of(data: Path, **environment: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(run(data, SHOW, **environment).stdout)
    return found


def started(data: Path, script: str) -> subprocess.Popen[str]:
    """Running, and past its first line."""
    process = start(data, READY + script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def servers_of(data: Path) -> list[str]:
    """Command lines of living processes that work on the folder or its sockets."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if process.name.isdigit() and (f"{data}/" in line or (process / "cwd").readlink().is_relative_to(data)):
                found.append(line)
        except OSError:
            continue
    return found


def gone(data: Path) -> bool:
    until = time.monotonic() + 10
    while servers_of(data) and time.monotonic() < until:
        time.sleep(0.05)
    return not servers_of(data)


def test_command_finds_everything_and_nothing_stays(data: Path) -> None:
    users, modes = Path("/etc/passwd").read_bytes(), [path.stat().st_mode for path in data.parents]
    found = environment_of(data)
    sockets = Path(found["DATABASE_URL"].partition("host=")[2])
    assert found["REDIS_URL"] == f"unix://{sockets}/redis.sock?db=0"
    assert found["PGB_PUBLIC_URL"] == "http://127.0.0.1:8000"
    assert found["PGB_STRIPE_BASE_URL"] == found["PGB_SANDBOX_URL"] == "http://127.0.0.1:9000"
    assert gone(data)
    assert not sockets.exists()
    assert not (data / "sockets").is_symlink()
    assert Path("/etc/passwd").read_bytes() == users
    assert [path.stat().st_mode for path in data.parents] == modes


def test_exit_code_is_the_commands(data: Path) -> None:
    assert run(data, "raise SystemExit(7)").returncode == 7


def test_secrets_are_kept_and_private(data: Path) -> None:
    first, second = environment_of(data), environment_of(data)
    for name in kept_secrets(data / "secrets.env"):
        assert first[name] == second[name] != ""
    assert stat.S_IMODE((data / "secrets.env").stat().st_mode) == 0o600


def test_what_is_set_outside_wins(data: Path) -> None:
    given = {
        "SECRET_KEY": "mine",
        "DATABASE_URL": "postgres://elsewhere/x",
        "REDIS_URL": "redis://elsewhere/0",
        "PGB_STRIPE_BASE_URL": "http://127.0.0.1:12111",
    }
    found = environment_of(data, **given)
    assert {name: found[name] for name in given} == given
    assert not (data / "postgres").exists()


def test_what_is_set_to_nothing_counts_as_unset(data: Path) -> None:
    found = environment_of(data, SECRET_KEY="", DATABASE_URL="", PGB_PUBLIC_URL="")
    assert found["SECRET_KEY"] != ""
    assert found["DATABASE_URL"].startswith("postgres://")
    assert found["PGB_PUBLIC_URL"] == "http://127.0.0.1:8000"


def test_folder_that_cannot_be_used_is_one_sentence(data: Path) -> None:
    data.write_text("a file in its place")
    refused = run(data, "pass")
    assert refused.returncode == 1
    assert refused.stderr.startswith("manage.py local: ")
    assert refused.stderr.count("\n") == 1


def test_second_start_on_the_same_folder_is_refused(data: Path) -> None:
    first = started(data, "import time; time.sleep(60)")
    second = run(data, "pass")
    assert second.returncode == 1
    assert f"{data} is in use by process {first.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    first.terminate()
    first.communicate(timeout=30)
    assert gone(data)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_passed_on_and_the_command_may_finish(data: Path, number: signal.Signals) -> None:
    script = """
import os, psycopg, signal, time
def finish(number, frame):
    time.sleep(0.5)
    psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT 1")
    print("finished", number, flush=True)
    raise SystemExit(3)
signal.signal(signal.SIGINT, finish)
signal.signal(signal.SIGTERM, finish)
print("armed", flush=True)
time.sleep(60)
"""
    process = started(data, script)
    assert process.stdout is not None
    assert process.stdout.readline() == "armed\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert out == f"finished {int(number)}\n"
    assert process.returncode == 3
    assert gone(data)


def test_folder_left_by_a_kill_is_used_again(data: Path) -> None:
    script = """
import os, psycopg, time
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("CREATE TABLE kept (n int)")
print("written", flush=True)
time.sleep(60)
"""
    process = started(data, script)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    sockets = (data / "sockets").readlink()
    process.kill()
    process.communicate(timeout=30)
    assert gone(data)
    assert sockets.exists()
    # At worst the pid in the file now belongs to a stranger.
    pid_file = data / "postgres" / "cluster" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n0\n5432\n{sockets}\n\n0 0\nready\n")
    again = run(data, "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).execute('TABLE kept')")
    assert (again.returncode, again.stderr) == (0, "")
    assert not sockets.exists()


def test_half_made_cluster_is_made_anew(data: Path) -> None:
    (data / "postgres" / "new").mkdir(parents=True)
    (data / "postgres" / "new" / "PG_VERSION").write_text("18\n")
    assert run(data, "pass").returncode == 0


def test_long_temporary_folder_does_not_break_the_sockets(data: Path, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    assert environment_of(data, TMPDIR=str(long))["DATABASE_URL"].startswith("postgres://")


def test_unknown_command_is_one_sentence(data: Path) -> None:
    process = subprocess.run(
        [sys.executable, "manage.py", "local", "--data", data, "--", "/no/such/program"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr == "manage.py local: cannot run /no/such/program: No such file or directory\n"


@AS_ROOT
def test_root_lends_nobody_an_open_folder(data: Path) -> None:
    run(data, "pass")
    assert (data / "postgres").stat().st_uid == postgres.NOBODY


@AS_ROOT
def test_root_uses_a_user_namespace_in_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = run(closed / "data", "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL'])")
    assert (done.returncode, done.stderr) == (0, "")
    assert (closed / "data" / "postgres").stat().st_uid == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert gone(closed)


@AS_ROOT
def test_kill_ends_servers_in_a_user_namespace_too(tmp_path: Path) -> None:
    process = started(tmp_path / "data", "import time; time.sleep(60)")
    process.kill()
    process.communicate(timeout=30)
    assert gone(tmp_path)
    shutil.rmtree((tmp_path / "data" / "sockets").readlink())


@AS_ROOT
def test_root_copies_the_programs_where_nothing_else_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_identities", lambda data: [])
    sockets = Path(tempfile.mkdtemp(prefix="pgb-"))
    try:
        for _ in range(2):
            with postgres.postgres(tmp_path, sockets, durable=False) as url:
                psycopg.connect(url).close()
        assert (tmp_path / "elsewhere" / "postgres").stat().st_uid == postgres.NOBODY
    finally:
        shutil.rmtree(sockets)
        shutil.rmtree((tmp_path / "elsewhere").resolve())
