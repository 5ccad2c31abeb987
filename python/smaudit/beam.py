"""Audits of fleets of models with Apache Beam: `pip install smaudit[beam]`.

    import apache_beam as beam
    from smaudit.beam import AuditModels

    with beam.Pipeline(options=options) as pipeline:
        audited = pipeline | AuditModels("gs://bucket/models/**")
        audited.models | beam.io.WriteToParquet("gs://bucket/sizes/models")
        audited.dead_letters | beam.io.WriteToText("gs://bucket/sizes/unreadable")

Each model becomes one row of `models` or of `dead_letters`, never both and never none. Local models are read where they
are, and so are those at `gs://`, `s3://` and `az://` where the binary can do that and has credentials; all others are
copied through Beam's file systems, one at a time, into a scratch folder of limited size.
"""

# Annotations are not postponed here: Beam makes schemas and type hints of them.

import glob
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Optional

import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from smaudit import _api, _run
from smaudit._errors import NotWhole, SmauditError
from smaudit._records import path_of
from smaudit._report import ModelReport
from smaudit.hook import MAIN_FILES

__all__ = ["AuditModels", "Audited", "DeadLetter", "ModelRow"]

#: How many models one run of the binary audits: it takes some milliseconds to start, a small model less than one.
BATCH = 128

#: The schemes of stores that the binary reads by itself, a few ranges of each model.
STORES = ("az", "gs", "s3")


class ModelRow(NamedTuple):
    """What is known of a model, as a row with a schema. All sizes are in bytes."""

    path: str
    total_bytes: int
    avoidable_bytes: int
    redundant_bytes: int
    kind: str
    tensorflow_version: Optional[str]  # noqa: UP045, Beam's schemas know no other way to say it
    metagraphs: int
    graph_def_bytes: int
    signature_def_bytes: int
    meta_info_def_bytes: int
    saver_def_bytes: int
    collection_def_bytes: int
    object_graph_def_bytes: int
    assets_bytes: int
    variables_bytes: int
    files_bytes: int
    framing_bytes: int
    largest_cause: Optional[str]  # noqa: UP045
    largest_cause_bytes: int
    #: All causes, the largest first, and beside it what each frees that none before it does: this adds up.
    causes: Sequence[str]
    cause_bytes: Sequence[int]


class DeadLetter(NamedTuple):
    """A model of which there is no row, and why."""

    path: str
    error: str
    message: str
    exit_code: int


class Audited(NamedTuple):
    """The two outputs of `AuditModels`."""

    models: beam.PCollection[ModelRow]
    dead_letters: beam.PCollection[DeadLetter]


class AuditModels(beam.PTransform):  # type: ignore[misc]
    """Finds models by patterns of paths, and audits each.

    It begins a pipeline with its own patterns, or takes a PCollection of patterns.
    """

    def __init__(self, *patterns: str, scratch_bytes: int = 10_000_000_000) -> None:
        """Takes where models are.

        Args:
            *patterns: paths or patterns of Beam's `fileio.MatchFiles`: of main files (`gs://b/m/*/saved_model.pb`), or
                of folders (`gs://b/m/**`), in which main files are then looked for.
            scratch_bytes: the most that a model on another file system may have, as a worker copies it to its disk. A
                worker needs that much for each of its threads. Larger ones are dead letters.
        """
        super().__init__()
        self._patterns = patterns
        self._scratch_bytes = scratch_bytes

    def expand(self, begin: Any) -> Audited:
        """Builds the part of the pipeline."""
        if isinstance(begin, beam.pvalue.PBegin):
            begin = begin | "Patterns" >> beam.Create(list(self._patterns))
        elif self._patterns:
            raise ValueError("patterns come from the pipeline or from the arguments, not from both")
        audited = (
            begin
            | "MainFiles" >> beam.Map(_main_files).with_output_types(str)
            | "Match" >> fileio.MatchAll(fileio.EmptyMatchTreatment.ALLOW)
            | "Folders" >> beam.FlatMap(_folder).with_output_types(str)
            # Two patterns may find the same model, and a model may have two main files. It is also where the work is
            # handed out to workers.
            | "Once" >> beam.Distinct()
            | "Batch" >> beam.BatchElements(min_batch_size=1, max_batch_size=BATCH, target_batch_duration_secs=5)
            | "Audit" >> beam.ParDo(_Audit(self._scratch_bytes)).with_outputs("dead", main="rows")
        )
        return Audited(
            audited.rows | "Rows" >> beam.Map(_same).with_output_types(ModelRow),
            audited.dead | "Dead" >> beam.Map(_same).with_output_types(DeadLetter),
        )


class _Audit(beam.DoFn):  # type: ignore[misc]
    """Audits batches of folders."""

    def __init__(self, scratch_bytes: int) -> None:
        self._scratch_bytes = scratch_bytes

    def process(self, folders: Sequence[str]) -> Iterator[Any]:
        here = [folder for folder in folders if not FileSystems.get_scheme(folder)]
        stored = [folder for folder in folders if FileSystems.get_scheme(folder) in STORES]
        together = _together(here, []) | _together(stored, ["--remote-depth=full"])
        for folder in folders:
            try:
                # What is not in the answer for all of them, or is not whole, is asked for by itself: then it says why.
                model = together.get(folder) or self._alone(folder)
                yield _row(folder, model)
            except SmauditError as error:
                yield _dead(folder, error, error.exit_code)
            except (OSError, beam.io.filesystem.BeamIOError) as error:
                yield _dead(folder, error, _run.UNREADABLE)

    def _alone(self, folder: str) -> ModelReport:
        if not FileSystems.get_scheme(folder):
            return _api.audit(folder).model
        if FileSystems.get_scheme(folder) in STORES:
            try:
                return _api.audit(folder.rstrip("/"), remote_depth="full").model
            except NotWhole:
                raise
            except SmauditError:
                # What cannot be read there may be for want of what Beam has, such as its credentials.
                pass
        with tempfile.TemporaryDirectory(prefix="smaudit-") as scratch:
            _copy(folder, scratch, self._scratch_bytes)
            return _api.audit(scratch).model


def _main_files(pattern: str) -> str:
    """A pattern of main files of a pattern of folders."""
    last = pattern.rstrip("/").rpartition("/")[2]
    return pattern if last.startswith("saved_model.") else f"{pattern.rstrip('/')}/saved_model.*"


def _folder(found: Any) -> Iterable[str]:
    folder, name = FileSystems.split(found.path)
    return [folder] if name in MAIN_FILES else []


def _same(element: Any) -> Any:
    return element


def _together(folders: Sequence[str], options: Sequence[str]) -> dict[str, ModelReport]:
    """The reports of those models that are whole, from one run of the binary; what it cannot say of all is left out."""
    if len(folders) < 2:
        return {}
    asked = {path_of(folder.rstrip("/") if FileSystems.get_scheme(folder) else folder): folder for folder in folders}
    finished = _run.run(["--format", "jsonl", *options, "--", *asked])
    if finished.code not in (_run.PASSED, _run.BROKEN, _run.UNREADABLE):
        return {}
    reports = {}
    for line in finished.output.splitlines():
        fields = json.loads(line)
        folder = asked.get(fields["path"])
        if folder is not None and "error" not in fields and not fields["problems"]:
            reports[folder] = ModelReport._decode(fields)
    return reports


def _copy(folder: str, scratch: str, most: int) -> None:
    """Copies a model from any file system of Beam's, up to a size."""
    files = FileSystems.match([f"{glob.escape(folder.rstrip('/'))}/**"])[0].metadata_list
    total = sum(file.size_in_bytes for file in files)
    if total > most:
        raise OSError(f"the model has {total} bytes, and scratch_bytes is {most}")
    left = most
    for file in files:
        inside = file.path[len(folder.rstrip("/")) + 1 :]
        if not inside or inside.endswith("/") or any(part in ("", ".", "..") for part in inside.split("/")):
            continue
        path = os.path.join(scratch, *inside.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with (
            FileSystems.open(file.path, compression_type=CompressionTypes.UNCOMPRESSED) as source,
            open(path, "wb") as target,
        ):
            while chunk := source.read(min(left + 1, 1 << 20)):
                left -= len(chunk)
                if left < 0:
                    raise OSError(f"the model has more than {most} bytes, which is scratch_bytes")
                target.write(chunk)


def _row(folder: str, model: ModelReport) -> ModelRow:
    largest = model.findings[0] if model.findings else None
    version = next((each.tensorflow_version for each in model.meta_graphs if each.tensorflow_version), None)
    return ModelRow(
        path=folder,
        total_bytes=model.total_bytes,
        avoidable_bytes=model.findings_bytes,
        redundant_bytes=model.duplicates.redundant_bytes,
        kind=model.kind,
        tensorflow_version=version,
        metagraphs=len(model.meta_graphs),
        **{f"{category}_bytes": count for category, count in model.categories.items()},
        largest_cause=largest.id if largest else None,
        largest_cause_bytes=largest.bytes if largest else 0,
        causes=[finding.id for finding in model.findings],
        cause_bytes=[finding.additional_bytes for finding in model.findings],
    )


def _dead(folder: str, error: Exception, code: int) -> beam.pvalue.TaggedOutput:
    letter = DeadLetter(folder, type(error).__name__, str(error), code)
    return beam.pvalue.TaggedOutput("dead", letter)
