"""Both kits, the C# one where mono is installed; in CI it must be."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.factories import SIGNING_SECRET
from tests.shop_kit.kit import HERE, KIT, Kit, compile_csharp, stand_in

ASSEMBLIES = [Path("/usr/lib/mono/4.5") / f"System.{name}.dll" for name in ("Net.Http", "Runtime.Serialization")]


@pytest.fixture(scope="session")
def mono():
    """Debian's mono-mcs, mono-runtime, libmono-system-net-http4.0-cil, libmono-system-runtime-serialization4.0-cil."""
    if shutil.which("mcs") and shutil.which("mono") and all(path.exists() for path in ASSEMBLIES):
        return
    missing = "mono is not installed, or not all of it: see .ci/run"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def python_kit():
    kit = Kit([sys.executable, str(HERE / "driver.py"), str(KIT)])
    yield kit
    kit.end()


@pytest.fixture(scope="session")
def csharp_kit(mono, tmp_path_factory):
    program = tmp_path_factory.mktemp("shop_kit") / "shop.exe"
    compile_csharp(program, KIT / "PgbClient.cs", HERE / "Driver.cs")
    kit = Kit(["mono", str(program)])
    yield kit
    kit.end()


@pytest.fixture(params=["python", "csharp"])
def kit(request):
    """A shop's program on each of the kits."""
    return request.getfixturevalue(f"{request.param}_kit")


@pytest.fixture
def shop(kit, world, live_server):
    """The world's shop runs on the kit: it calls PGB at live_server and hears at the kit's own address."""
    kit.at(live_server.url)
    world.shop.completion_url = kit.listen(SIGNING_SECRET)
    world.shop.save()
    return kit


@pytest.fixture
def pgb(kit):
    """A stand-in for PGB that the kit calls, quick to lose its patience."""
    with stand_in() as there:
        kit.at(there.url, timeout=5, patience=10, repeat_after=0.01)
        yield there
