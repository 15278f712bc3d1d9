"""The wheel is built and installed once; every test gets a home of its own, and leaves no process behind."""

import subprocess
import sys
import sysconfig
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from .installed import Installed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a new environment: dreamkeep from the wheel, everything else from the one that tests."""
    where = tmp_path_factory.mktemp("stranger")

    def python(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", *arguments], check=True, capture_output=True)

    python("build", "--wheel", "--no-isolation", "--outdir", str(where), str(ROOT))
    (wheel,) = where.glob("*.whl")
    python("venv", "--without-pip", str(where / "venv"))
    paths = sysconfig.get_paths("venv", vars={"base": str(where / "venv"), "platbase": str(where / "venv")})
    scripts = Path(paths["scripts"])
    interpreter = scripts / "python"
    python("pip", "--python", str(interpreter), "install", "--no-deps", "--no-index", "--quiet", str(wheel))
    # Last, or pip would find dreamkeep there already. Python does not follow the .pth files in a folder that
    # it found in one, so the editable dreamkeep there stays out of sight.
    (Path(paths["purelib"]) / "tested.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


@pytest.fixture
async def installed(scripts: Path, tmp_path: Path) -> AsyncGenerator[Installed]:
    folder = tmp_path / "acme"
    folder.mkdir()
    installed = Installed(scripts=scripts, home=tmp_path / "home", folder=folder)
    yield installed
    await installed.stop()


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return request.param
