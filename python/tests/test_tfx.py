"""A gate for TFX: real pipelines in which Pusher waits for the blessing, and the component's function by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import smaudit

pytest.importorskip("tfx.v1")

from smaudit.tfx import SizeValidator
from tfx import v1 as tfx
from tfx.dsl.io import fileio, filesystem_registry
from tfx.dsl.io.plugins.local import LocalFilesystem
from tfx.types.standard_artifacts import Model, ModelBlessing


class OtherFilesystem(LocalFilesystem):
    """A file system that is not local: the paths of the disk with `other://` before them."""

    SUPPORTED_SCHEMES = ("other://",)

    @staticmethod
    def exists(path):
        return LocalFilesystem.exists(path.removeprefix("other://"))

    @staticmethod
    def open(name, mode="r"):
        return LocalFilesystem.open(name.removeprefix("other://"), mode)

    @staticmethod
    def isdir(path):
        return LocalFilesystem.isdir(path.removeprefix("other://"))

    @staticmethod
    def listdir(path):
        return LocalFilesystem.listdir(path.removeprefix("other://"))

    @staticmethod
    def copy(src, dst, overwrite=False):
        LocalFilesystem.copy(src.removeprefix("other://"), dst.removeprefix("other://"), overwrite)

    @staticmethod
    def walk(top, topdown=True, onerror=None):
        for root, folders, files in LocalFilesystem.walk(top.removeprefix("other://"), topdown, onerror):
            yield f"other://{root}", folders, files


def trained(folder: Path, model: Path) -> str:
    """What a Trainer writes: the model for serving in a folder of its own."""
    shutil.copytree(model, folder / "Format-Serving")
    return str(folder)


def artifact(kind: type, uri: str, number: int = 7):
    made = kind()
    made.uri = uri
    made.id = number
    # As TFX writes it; a model without it is taken for one of an early TFX, which lies elsewhere.
    made.set_string_custom_property("tfx_version", tfx.__version__)
    return made


def validate(tmp_path: Path, model: Path | str, **given):
    """What the component's function makes of a model."""
    uri = model if isinstance(model, str) else trained(tmp_path / "trained", model)
    blessing = artifact(ModelBlessing, str(tmp_path / "blessing"))
    SizeValidator.test_call(model=artifact(Model, uri), blessing=blessing, **given)
    return blessing


def files(blessing) -> list[str]:
    return sorted(path.name for path in Path(blessing.uri).iterdir())


def run(tmp_path: Path, model: Path, **limits: str) -> Path:
    """Runs a pipeline and returns where it pushes models to."""
    from tfx.components import Pusher

    importer = tfx.dsl.Importer(source_uri=trained(tmp_path / "trained", model), artifact_type=Model).with_id("model")
    size = SizeValidator(model=importer.outputs["result"], **limits)
    served = tmp_path / "served"
    pusher = Pusher(
        model=importer.outputs["result"],
        model_blessing=size.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(served))
        ),
    )
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="sizes",
            pipeline_root=str(tmp_path / "root"),
            components=[importer, size, pusher],
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(tmp_path / "metadata.db")
            ),
        )
    )
    return served


def test_a_model_within_its_limits_is_pushed(tmp_path, healthy):
    served = run(tmp_path, healthy, max_avoidable="5%", max_size="25kB")
    (version,) = served.iterdir()
    assert smaudit.audit(version).model.total_bytes == 20797
    assert [path.name for path in (tmp_path / "root").glob("SizeValidator/blessing/*/*BLESSED")] == ["BLESSED"]


def test_a_model_over_a_limit_is_not_pushed_and_the_pipeline_goes_on(tmp_path, bloated):
    served = run(tmp_path, bloated, max_avoidable="5%")
    assert not served.exists()
    assert [path.name for path in (tmp_path / "root").glob("SizeValidator/blessing/*/*BLESSED")] == ["NOT_BLESSED"]


def test_a_blessing_says_what_the_model_weighs_and_why_there_is_none(tmp_path, healthy, bloated):
    blessed = validate(tmp_path / "a", healthy, max_avoidable="5%")
    assert files(blessed) == ["BLESSED"]
    assert blessed.get_int_custom_property("blessed") == 1
    assert blessed.get_int_custom_property("total_bytes") == 20797
    assert blessed.get_int_custom_property("current_model_id") == 7
    refused = validate(tmp_path / "b", bloated, max_avoidable="5%", max_size="1MB")
    assert files(refused) == ["NOT_BLESSED"]
    assert refused.get_int_custom_property("blessed") == 0
    assert refused.get_int_custom_property("avoidable_bytes") == 79779
    assert "avoidable" in refused.get_string_custom_property("reason")


def test_what_no_loader_would_load_is_not_blessed(tmp_path, half):
    assert validate(tmp_path / "half", half, max_avoidable="100%").get_int_custom_property("blessed") == 0
    (tmp_path / "nothing").mkdir()
    nothing = validate(tmp_path / "nothing", str(tmp_path / "no model"), max_size="1GB")
    assert files(nothing) == ["NOT_BLESSED"]


def test_sizes_have_limits_by_category(tmp_path, healthy):
    given = {"max_size": "graph_def=20kB, total=25kB"}
    assert validate(tmp_path / "a", healthy, **given).get_int_custom_property("blessed") == 1
    given = {"max_size": "graph_def=1kB, total=25kB"}
    refused = validate(tmp_path / "b", healthy, **given)
    assert "graph_def" in refused.get_string_custom_property("reason")


def test_growth_is_measured_from_the_model_before_where_there_is_one(tmp_path, healthy, bloated):
    first = validate(tmp_path / "first", bloated, max_growth="1%")
    assert first.get_int_custom_property("blessed") == 1
    before = artifact(Model, trained(tmp_path / "before", healthy), 3)
    grown = validate(tmp_path / "grown", bloated, baseline_model=before, max_growth="1%")
    assert grown.get_int_custom_property("blessed") == 0
    assert grown.get_int_custom_property("baseline_model_id") == 3
    same = validate(tmp_path / "same", healthy, baseline_model=before, max_growth="0")
    assert same.get_int_custom_property("blessed") == 1


def test_nothing_is_blessed_for_want_of_a_limit_or_by_a_wrong_one(tmp_path, healthy):
    with pytest.raises(ValueError, match="no limit"):
        validate(tmp_path / "a", healthy)
    with pytest.raises(smaudit.UsageError, match="5 %"):
        validate(tmp_path / "b", healthy, max_avoidable="5 %%")
    assert not (tmp_path / "b" / "blessing").exists()


def test_a_model_on_another_file_system_is_copied_and_the_copy_removed(tmp_path, healthy, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(OtherFilesystem, priority=0)
    uri = f"other://{trained(tmp_path / 'remote', healthy)}"
    assert fileio.exists(uri)
    blessed = validate(tmp_path, uri, max_size="25kB")
    assert blessed.get_int_custom_property("total_bytes") == 20797
    assert not any((tmp_path / "scratch").iterdir())
