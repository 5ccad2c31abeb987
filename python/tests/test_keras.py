"""The exporters, for real: Keras 3, tf_keras and `tf.saved_model.save`. Without TensorFlow, with stand-ins."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys

import pytest
import smaudit
import smaudit.keras

TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
real = pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow is not installed")
FLAVOURS = ["keras", "tf_keras"]


class Model:
    """What `export` and `SizeAudit` need of a model."""

    def __init__(self, fixture: str) -> None:
        self.fixture = fixture
        self.given: dict[str, object] = {}

    def export(self, filepath: str, **options: object) -> None:
        self.given = options
        shutil.copytree(f"fixtures/{self.fixture}", filepath)


class Talkative(Model):
    def export(self, filepath: str, verbose: object = None) -> None:
        super().export(filepath, verbose=verbose)


def test_an_export_is_checked_and_stays(tmp_path):
    assert smaudit.keras.export(Model("partitioned"), tmp_path / "small", max_avoidable=0).model.total_bytes == 20797
    with pytest.raises(smaudit.RuleBroken, match="avoidable"):
        smaudit.keras.export(Model("two-metagraphs"), tmp_path / "big", max_avoidable="5%")
    assert (tmp_path / "big" / "saved_model.pb").exists()
    with pytest.raises(TypeError, match="no method `export`"):
        smaudit.keras.export(object(), tmp_path / "none")


def test_a_model_that_talks_is_told_not_to_unless_it_is_asked_to(tmp_path):
    model = Talkative("partitioned")
    smaudit.keras.export(model, tmp_path / "a")
    assert model.given == {"verbose": False}
    smaudit.keras.export(model, tmp_path / "b", options={"verbose": True})
    assert model.given == {"verbose": True}
    quiet = Model("partitioned")
    smaudit.keras.export(quiet, tmp_path / "c", options={"format": "tf_saved_model"})
    assert quiet.given == {"format": "tf_saved_model"}


def test_a_callback_logs_figures_and_a_broken_rule_does_not_end_the_training(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="smaudit")
    callback = smaudit.keras.SizeAudit(tmp_path / "model", max_avoidable="5%")
    callback.set_model(Model("two-metagraphs"))
    logs: dict[str, object] = {}
    callback.on_train_end(logs)
    assert logs == {"smaudit_total_bytes": 118316, "smaudit_avoidable_bytes": 79779}
    assert isinstance(callback.error, smaudit.RuleBroken) and callback.report is not None
    assert "118 kB, avoidable 79.8 kB, 67.4%" in caplog.text and "constant-in-every-metagraph" in caplog.text
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_a_callback_audits_what_something_else_wrote_and_says_when_nothing_did(half, healthy, tmp_path, caplog):
    for model, kind in ((healthy, type(None)), (half, smaudit.NotWhole), (tmp_path / "no", smaudit.UnreadableModel)):
        callback = smaudit.keras.SizeAudit(model, export=False)
        logs: dict[str, object] = {}
        callback.on_train_end(logs)
        assert type(callback.error) is kind and bool(logs) is (callback.error is None)


def test_importing_it_imports_no_framework():
    code = "import sys, smaudit.keras; print({'tensorflow', 'keras', 'tf_keras', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def _dense(flavour):
    keras = importlib.import_module(flavour)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(512, activation="relu"), keras.layers.Dense(8)])
    model.compile(optimizer="adam", loss="mse")
    return model


@real
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_real_model_is_exported_and_checked(flavour, tmp_path, capfd):
    report = smaudit.keras.export(_dense(flavour), tmp_path / "model", max_size="1MB")
    assert report.model.whole and report.model.kind == {"keras": "keras3", "tf_keras": "tf_keras"}[flavour]
    assert report.model.total_bytes == sum(f.stat().st_size for f in (tmp_path / "model").rglob("*") if f.is_file())
    assert flavour == "tf_keras" or capfd.readouterr().out == ""
    with pytest.raises(smaudit.RuleBroken):
        smaudit.keras.export(_dense(flavour), tmp_path / "model", max_size="10kB")


@real
def test_keras_3_writes_each_weight_twice_and_the_report_has_the_code_that_does_not(tmp_path):
    from tensorflow import keras

    model = _dense("keras")
    with pytest.raises(smaudit.RuleBroken) as caught:
        smaudit.keras.export(model, tmp_path / "model", max_avoidable="5%")
    finding = caught.value.report.model.findings[0]
    assert finding.id == "variable-stored-twice"
    with smaudit.guard(tmp_path / "exported", max_avoidable="5%") as guarded:
        code = finding.remedy_code.replace('"exported"', repr(str(tmp_path / "exported")))
        exec(code, {"keras": keras, "model": model})
    saved = caught.value.report.model.total_bytes - guarded.report.model.total_bytes
    assert abs(saved - finding.bytes) < 0.2 * finding.bytes


@real
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_real_training_ends_with_the_figures(flavour, tmp_path, caplog):
    import numpy

    caplog.set_level(logging.INFO, logger="smaudit")
    model, callback = _dense(flavour), smaudit.keras.SizeAudit(tmp_path / "model", max_size="1GB")
    x, y = numpy.zeros((32, 64), "float32"), numpy.zeros((32, 8), "float32")
    model.fit(x, y, epochs=2, verbose=0, validation_split=0.5, callbacks=[callback])
    model.evaluate(x, y, verbose=0, callbacks=[callback])
    model.predict(x, verbose=0, callbacks=[callback])
    assert callback.error is None and callback.report is not None
    assert callback.report.model.total_bytes > 130_000 and "avoidable" in caplog.text


@real
def test_a_module_is_guarded(tmp_path):
    import tensorflow as tf

    class Scale(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = tf.Variable(tf.random.normal([64, 64]))

        @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32)])
        def __call__(self, x):
            return x @ self.factor

    module = Scale()
    with smaudit.guard(tmp_path / "module", max_avoidable="5%", max_size={"variables": "20kB"}) as guarded:
        tf.saved_model.save(module, str(tmp_path / "module"), signatures=module.__call__)
    assert guarded.report.model.kind == "tf_module" and guarded.report.model.findings_bytes == 0
