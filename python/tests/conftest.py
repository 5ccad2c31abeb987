"""What the tests have in common: models, and a binary that can be made to behave in any way."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths of fixtures are relative to the checkout, and no runner of a CI is meant."""
    monkeypatch.chdir(ROOT)
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    """A model of which nothing is avoidable."""
    return Path(shutil.copytree("fixtures/partitioned", tmp_path / "healthy"))


@pytest.fixture
def bloated(tmp_path: Path) -> Path:
    """A model of which 67% are avoidable."""
    return Path(shutil.copytree("fixtures/two-metagraphs", tmp_path / "bloated"))


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A model without the data of its checkpoint."""
    model = Path(shutil.copytree("fixtures/partitioned", tmp_path / "half"))
    for shard in (model / "variables").glob("*.data-*"):
        shard.unlink()
    return model


@pytest.fixture
def pointer(tmp_path: Path) -> Path:
    """A model that Git LFS has not fetched: its main file is of 40 MB, and here is a pointer to it."""
    model = Path(shutil.copytree("fixtures/partitioned", tmp_path / "pointer"))
    model.joinpath("saved_model.pb").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 40000000\n"
    )
    return model


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program of Python in the place of the binary, which has its arguments in `sys.argv`."""

    def put(program: str) -> Path:
        path = tmp_path / "smaudit-stand-in"
        path.write_text(f"#!{sys.executable}\n{program}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("SMAUDIT_BINARY", str(path))
        return path

    return put
