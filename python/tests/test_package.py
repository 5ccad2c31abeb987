"""The package: where it finds its binary, what it shows, and that what is generated is what is committed."""

from __future__ import annotations

import doctest
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import smaudit
import smaudit._api
import smaudit._guard
from smaudit import _find, _html, _report

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("module", [smaudit, smaudit._api, smaudit._guard], ids=lambda module: module.__name__)
def test_examples_run(module):
    failed, attempted = doctest.testmod(module)
    assert failed == 0 and attempted > 1


def test_the_dataclasses_are_those_of_the_schema():
    command = [sys.executable, "python/generate.py", "--check", smaudit.find_binary()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_check_says_what_would_differ(tmp_path, monkeypatch):
    schema = subprocess.run([smaudit.find_binary(), "schema"], capture_output=True, text=True, check=True).stdout
    fields = json.loads(schema)
    fields["properties"]["colour"] = {"type": "string", "description": "Its colour."}
    (tmp_path / "schema.json").write_text(json.dumps(fields))
    fake = tmp_path / "smaudit"
    fake.write_text(
        f"#!/bin/sh\ncase $* in *--help*) echo '          - report:   x' ;; *) cat {tmp_path}/schema.json ;; esac\n"
    )
    fake.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "python/generate.py", "--check", str(fake)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert '+    """Its colour."""' in done.stdout and "run it and commit" in done.stdout


def test_every_class_of_a_report_decodes_what_the_corpus_of_fixtures_has():
    report = smaudit.audit("fixtures", by=["category", "scope", "scope"], verify=True)
    seen: set[str] = set()

    def visit(value: object) -> None:
        if isinstance(value, tuple):
            for each in value:
                visit(each)
        elif hasattr(value, "_parts"):
            seen.add(type(value).__name__)
            for key, each in vars(value).items():
                assert key.startswith("_") or key in type(value).__dataclass_fields__, key
                assert not isinstance(each, list), f"{type(value).__name__}.{key} is mutable"
                visit(each)

    visit(report)
    assert {"Report", "ModelReport", "Row", "Finding", "Place", "Group", "Member", "TensorReport"} <= seen


def test_the_binary_is_the_one_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("SMAUDIT_BINARY", "/opt/smaudit")
    assert smaudit.find_binary() == "/opt/smaudit"


@pytest.mark.parametrize(
    ("package", "binary"),
    [
        ("lib/python3.12/site-packages", "bin/smaudit"),
        ("target", "target/bin/smaudit"),
        ("python", "target/release/smaudit"),
    ],
    ids=["--prefix", "--target", "checkout"],
)
def test_the_binary_is_found_where_pip_and_cargo_put_it(tmp_path, monkeypatch, package, binary):
    monkeypatch.delenv("SMAUDIT_BINARY", raising=False)
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    monkeypatch.setattr(_find.sysconfig, "get_path", lambda *_: str(tmp_path / "nothing"))
    folder = tmp_path / package / "smaudit"
    folder.mkdir(parents=True)
    source = Path(shutil.copy(_find.__file__, folder / "_find.py"))
    (tmp_path / "Cargo.toml").touch()
    spec = importlib.util.spec_from_file_location("elsewhere", source)
    assert spec and spec.loader
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    with pytest.raises(FileNotFoundError, match="SMAUDIT_BINARY"):
        elsewhere.find_binary()
    (tmp_path / binary).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / binary).touch()
    assert elsewhere.find_binary() == str(tmp_path / binary)


def test_python_m_smaudit_is_the_command(bloated):
    done = subprocess.run(
        [sys.executable, "-m", "smaudit", str(bloated), "--max-size", "1", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "FAIL" in done.stderr


def test_a_notebook_shows_the_figures_and_the_remedy(bloated, half):
    shown = smaudit.audit(bloated)._repr_html_()
    assert "118,316 bytes" in shown and "avoidable: 79.8 kB, 67.4%" in shown
    assert "constant-in-every-metagraph" in shown
    with pytest.raises(smaudit.NotWhole) as caught:
        smaudit.audit(half)
    assert caught.value.report is not None
    assert "problems" in caught.value.report._repr_html_()
    assert "nothing avoidable" not in caught.value.report._repr_html_()
    report = smaudit.audit("fixtures")
    assert report.totals.models >= 6 and f"{report.totals.models} models" in report._repr_html_()


def test_names_of_a_model_are_no_markup_and_turn_nothing_round(healthy):
    evil = healthy.parent / "<img src=x onerror=alert(1)>\u202e"
    healthy.rename(evil)
    shown = smaudit.audit(evil)._repr_html_()
    assert "<img" not in shown and "&lt;img" in shown and "\u202e" not in shown


@pytest.mark.parametrize(
    ("count", "written"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.00 kB"), (118_316, "118 kB"), (999_499, "999 kB"),
     (999_500, "1.00 MB"), (30_005_685, "30.0 MB"), (2**64 - 1, "18.4 EB")],
)  # fmt: skip
def test_sizes_have_three_digits(count, written):
    assert _html.size(count) == written


def test_shares_are_those_of_the_text():
    assert [_html.share(*each) for each in ((0, 9), (0, 0), (1, 9999), (1, 2), (9, 9))] == [
        "0%", "0%", "<0.1%", "50.0%", "100.0%",
    ]  # fmt: skip


def test_rows_that_are_not_shown_are_counted():
    assert "more rows" in smaudit.audit("fixtures/keras-lstm", by="node")._repr_html_()


def test_sizes_are_those_of_the_text(bloated):
    text = subprocess.run([smaudit.find_binary(), str(bloated)], capture_output=True, text=True, check=True).stdout
    model = smaudit.audit(bloated).model
    for count in (model.total_bytes, model.findings_bytes, model.categories["graph_def"]):
        assert _html.size(count) in text


def test_the_breakdown_is_a_frame_that_adds_up(bloated, tmp_path):
    pandas = pytest.importorskip("pandas")
    report = smaudit.audit(bloated, by=["category", "op"])
    frame = report.to_frame()
    assert list(frame.columns) == ["model", "category", "op", "bytes", "count"]
    assert frame["bytes"].sum() == report.totals.bytes
    again = report.to_frame(by=["scope", "scope"])
    assert list(again.columns) == ["model", "scope", "scope2", "bytes", "count"]
    assert again["bytes"].sum() == report.totals.bytes and set(again["model"]) == {str(bloated)}
    assert isinstance(report.to_frame(by="variable"), pandas.DataFrame)
    with pytest.raises(ValueError, match="JSON"):
        smaudit.Report.from_json(report.to_json()).to_frame(by="op")
    (bloated / "more").write_text("more")
    with pytest.raises(ValueError, match="changed"):
        report.to_frame(by="op")


def test_the_version_is_that_of_the_binary():
    said = subprocess.run([smaudit.find_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    cargo = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert cargo and said == f"smaudit {cargo[1]}\n"
    if importlib.util.find_spec("smaudit") and "site-packages" in str(smaudit.__file__):
        assert smaudit.__version__ == cargo[1]


def test_what_is_exported_has_the_types_of_the_module():
    assert smaudit.Report is _report.Report
    assert set(smaudit.__all__) == set(smaudit._WHERE)
