"""The Python of the documents runs, where what it imports is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import smaudit

ROOT = Path(__file__).resolve().parents[2]


def blocks(document: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def needs(code: str) -> list[str]:
    found = re.findall(r"^(?:import|from) ([\w.]+)", code, re.MULTILINE)
    needed = {name.partition(".")[0] for name in found} | ({"apache_beam"} if "smaudit.beam" in code else set())
    needed |= {"pyarrow"} if "arquet" in code else set()
    return [name for name in sorted(needed) if importlib.util.find_spec(name) is None]


def cases() -> list[object]:
    found = []
    for document in ("README.md", "docs/python.md", "docs/fleet.md"):
        for number, code in enumerate(blocks(document)):
            found.append(pytest.param(document, number, id=f"{document}-{number}"))
            assert code
    return found


@pytest.mark.parametrize(("document", "number"), cases())
def test_the_python_of_a_document_runs(document, number, tmp_path):
    all_blocks = blocks(document)
    code = all_blocks[number]
    if document == "docs/fleet.md" and re.search(r"\brow\b", code) and "def row(" not in code:
        code = next(each for each in all_blocks if "def row(" in each) + code
    if missing := needs(code):
        pytest.skip(f"not installed: {', '.join(missing)}")
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / "my_model").symlink_to(ROOT / "fixtures/keras-lstm")
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "Format-Serving").symlink_to(ROOT / "fixtures/partitioned")
    lines = subprocess.run([smaudit.find_binary(), "fixtures", "-f", "jsonl"], capture_output=True, check=True).stdout
    (tmp_path / "fleet.jsonl").write_bytes(lines)
    code = code.replace("    ...  # tf", "    __import__('shutil').copytree('fixtures/partitioned', 'exported')  # tf")
    models = sorted(str(path.parent) for path in (ROOT / "fixtures").glob("*/saved_model.pb"))
    main = "".join(f"    {line}\n" for line in code.splitlines())
    # Engines start processes that import this file once more.
    (tmp_path / "run.py").write_text(f"models = {models!r}\n" + code if "def row(" in code else f"if True:\n{main}")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYSPARK_PYTHON": sys.executable}
    environment["PYTHONPATH"] = str(Path(smaudit.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written = [*tmp_path.glob("*models*.parquet"), *tmp_path.glob("served/*/saved_model.pb")]
    assert done.stdout or "def row(" in code or written
