"""Fleets with Apache Beam: every model is a row or a dead letter, on one worker or several."""

from __future__ import annotations

import collections
import json
import shutil
from pathlib import Path

import pytest
import smaudit

beam = pytest.importorskip("apache_beam")

from apache_beam.io.filesystem import FileMetadata, MatchResult  # noqa: E402
from apache_beam.io.localfilesystem import LocalFileSystem  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from smaudit import beam as fleet  # noqa: E402


class OtherFileSystem(LocalFileSystem):
    """A file system that is not local: the paths of the disk with `other://` before them."""

    @classmethod
    def scheme(cls):
        return "other"

    def split(self, path):
        folder, _, name = path.rpartition("/")
        return folder, name

    def match(self, patterns, limits=None):
        local = LocalFileSystem(PipelineOptions())
        found = local.match([pattern.removeprefix("other://") for pattern in patterns], limits)
        return [
            MatchResult(
                f"other://{result.pattern}",
                [FileMetadata(f"other://{each.path}", each.size_in_bytes) for each in result.metadata_list],
            )
            for result in found
        ]

    def open(self, path, mime_type="application/octet-stream", compression_type="auto"):
        return super().open(path.removeprefix("other://"), mime_type, compression_type)


@pytest.fixture
def models(tmp_path: Path, healthy: Path, bloated: Path, half: Path) -> Path:
    """A folder of 40 models, of which two are not whole and one is no model at all."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    for number in range(18):
        shutil.copytree(healthy, folder / f"healthy-{number}" / "1")
        shutil.copytree(bloated, folder / f"bloated-{number}")
    shutil.copytree(half, folder / "half")
    shutil.copytree(half, folder / "half too")
    (folder / "page").mkdir()
    (folder / "page" / "saved_model.pb").write_text("<html>not found</html>")
    shutil.copytree(healthy, folder / "one" / "assets.extra" / "deep")
    return folder


def audited(out: Path, *patterns: str, options=(), **arguments):
    """What a pipeline writes, as lists of rows and of dead letters."""
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", *options])) as pipeline:
        both = pipeline | fleet.AuditModels(*patterns, **arguments)
        for name, rows in zip(both._fields, both, strict=True):
            lines = rows | f"{name} as JSON" >> beam.Map(lambda row: json.dumps(row._asdict(), default=list))
            _ = lines | f"write {name}" >> beam.io.WriteToText(str(out / name))
    return [
        [json.loads(line) for part in sorted(out.glob(f"{name}-*")) for line in part.read_text().splitlines()]
        for name in ("models", "dead_letters")
    ]


@pytest.mark.parametrize(
    "options",
    [(), ("--direct_running_mode=multi_processing", "--direct_num_workers=4")],
    ids=["one worker", "four workers in processes of their own"],
)
def test_every_model_is_a_row_or_a_dead_letter_and_only_once(models, tmp_path, options):
    rows, dead = audited(tmp_path, f"{models}/**", f"{models}/bloated-*/saved_model.pb", options=options)
    assert len(rows) == 36 + 1 and len({row["path"] for row in rows}) == 37
    assert collections.Counter(row["total_bytes"] for row in rows) == {20797: 19, 118316: 18}
    assert sorted(Path(letter["path"]).name for letter in dead) == ["half", "half too", "page"]
    assert {letter["error"] for letter in dead} == {"NotWhole"} and {letter["exit_code"] for letter in dead} == {3}
    assert all(letter["message"] for letter in dead)


def test_a_row_says_what_the_report_says(models, tmp_path):
    (row,), dead = audited(tmp_path, f"{models}/bloated-3")
    model = smaudit.audit(models / "bloated-3").model
    assert not dead and row["path"] == str(models / "bloated-3")
    assert row["avoidable_bytes"] == model.findings_bytes == sum(row["cause_bytes"])
    assert row["causes"] == [finding.id for finding in model.findings] and row["largest_cause"] == row["causes"][0]
    parts = [row[f"{category}_bytes"] for category in model.categories]
    assert sum(parts) == row["total_bytes"] == model.total_bytes


def test_a_pattern_that_matches_nothing_is_nothing(tmp_path):
    assert audited(tmp_path, f"{tmp_path}/nowhere/**") == [[], []]


def test_models_on_another_file_system_are_copied_up_to_a_size(models, tmp_path, monkeypatch):
    monkeypatch.setattr(fleet.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    rows, dead = audited(tmp_path, f"other://{models}/healthy-1*/**", f"other://{models}/b*-1", scratch_bytes=100_000)
    assert len(rows) == 9 and {row["total_bytes"] for row in rows} == {20797}
    assert all(row["path"].startswith(f"other://{models}/healthy-1") for row in rows)
    assert [letter["path"] for letter in dead if letter["error"] == "OSError"] == [f"other://{models}/bloated-1"]
    assert "118316 bytes, and scratch_bytes is 100000" in next(
        letter["message"] for letter in dead if letter["error"] == "OSError"
    )
    assert not list((tmp_path / "scratch").iterdir())
    again = tmp_path / "again"
    again.mkdir()
    (models / "bloated-1").rename(models / "b[*]-1")
    rows, dead = audited(again, f"other://{models}/b*-1")
    assert [row["total_bytes"] for row in rows] == [118316] and not dead


def test_rows_have_a_schema_that_parquet_takes(models, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        both = pipeline | fleet.AuditModels(f"{models}/**")
        _ = both.models | beam.io.WriteToParquet(str(tmp_path / "sizes"), file_name_suffix=".parquet")
    (table,) = [parquet.read_table(path) for path in tmp_path.glob("sizes*.parquet")]
    assert table.num_rows == 37 and set(table.column_names) == set(fleet.ModelRow._fields)
    assert sum(table.column("total_bytes").to_pylist()) == 19 * 20797 + 18 * 118316


def test_a_binary_that_fails_for_a_batch_is_asked_for_each(models, tmp_path, stand_in, monkeypatch):
    real = smaudit.find_binary()
    stand_in(
        "import os, sys\n"
        "if 'jsonl' in sys.argv: os.kill(os.getpid(), 9)\n"
        "if 'bloated-7' in sys.argv[-1]: sys.exit('smaudit: the books do not balance')\n"
        f"os.execv({real!r}, [{real!r}, *sys.argv[1:]])"
    )
    rows, dead = audited(tmp_path, f"{models}/bloated-*")
    assert len(rows) == 17
    assert [(letter["path"], letter["exit_code"]) for letter in dead] == [(f"{models}/bloated-7", 1)]


def test_patterns_come_from_one_place():
    with pytest.raises(ValueError, match="not from both"), beam.Pipeline() as pipeline:
        _ = pipeline | beam.Create(["/a"]) | fleet.AuditModels("/b")
