"""Exports that are checked, and a callback that says what the trained model weighs. For Keras 3 and tf_keras alike.

Nothing here imports Keras or TensorFlow: models are used by what they can do, and the callback is one by its methods.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from smaudit import _api
from smaudit._errors import RuleBroken, SmauditError
from smaudit._html import share, size

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from smaudit._api import Limit, Path
    from smaudit._report import Report

__all__ = ["Limits", "SizeAudit", "export"]

#: Where `SizeAudit` writes what it found.
LOGGER = logging.getLogger("smaudit")


class Limits(TypedDict, total=False):
    """The limits of `smaudit.check`."""

    max_avoidable: Limit | None
    max_duplication: Limit | None
    max_size: Limit | Mapping[str, Limit] | None
    baseline: Path | None
    max_growth: Limit | None
    config: Path | None


def export(model: Any, path: Path, *, options: Mapping[str, Any] | None = None, **limits: Unpack[Limits]) -> Report:
    """Exports a Keras model as a SavedModel, and checks what was written.

    Args:
        model: a model of Keras 3, of tf_keras or of `tf.keras`, with an `export` of its own.
        path: the directory to write.
        options: what `model.export` takes besides the path. Keras 3 prints nothing, unless `verbose`
            is given here; tf_keras prints its endpoints.
        **limits: those of `smaudit.check`.

    Returns:
        The report of the exported model.

    Raises:
        TypeError: the model has no `export`.
        RuleBroken: a limit is exceeded; the export stays where it is, so that it can be looked at.
        NotWhole: what was written cannot be restored.
        UsageError: a limit is wrong.

    Example:
        smaudit.keras.export(model, "exported", max_avoidable="5%", max_size="20MB")
    """
    if not hasattr(model, "export"):
        raise TypeError(f"{type(model).__name__} has no method `export`: it is no Keras model, or of Keras before 2.13")
    arguments = dict(options or {})
    if "verbose" in inspect.signature(model.export).parameters:
        arguments.setdefault("verbose", False)
    model.export(os.fspath(path), **arguments)
    return _api.check(path, **limits)


def _nothing(*_: object, **__: object) -> None:
    """A hook of a callback that does nothing."""


class SizeAudit:
    """A callback that exports the model when training ends, audits it, and logs its figures.

    A rule that is broken is logged as an error and is in `error`; it does not raise, as that would throw away the
    result of `fit`.

    Attributes:
        report: the report, once training has ended; None before, and where the model could not be read.
        error: the rule that is broken or what else was wrong; None where all is well.

    Example:
        size = smaudit.keras.SizeAudit("exported", max_avoidable="5%")
        model.fit(x, y, callbacks=[size])
        size.report.model.total_bytes
    """

    report: Report | None
    error: SmauditError | None
    #: Keras asks these of a callback: whether it may run beside a batch, and whether it looks at batches.
    async_safe = True
    _supports_tf_logs = True

    def __init__(self, path: Path, *, export: bool = True, **limits: Unpack[Limits]) -> None:
        """Takes where the model is to be exported, and the limits of `smaudit.check`.

        Args:
            path: the directory to write; with `export=False` a model that something else writes, such as a checkpoint
                callback before this one.
            export: whether the model is exported at the end of training.
            **limits: those of `smaudit.check`.
        """
        self.path = path
        self.model: Any = None
        self.params: Any = None
        self.report = None
        self.error = None
        self._export = export
        self._limits = limits

    def set_model(self, model: Any) -> None:
        """Keras says which model is trained."""
        self.model = model

    def set_params(self, params: Any) -> None:
        """Keras says how it is trained."""
        self.params = params

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Exports, audits and logs. The figures are in `logs` for callbacks after this one, as bytes."""
        self.report = self.error = None
        try:
            if self._export:
                self.report = export(self.model, self.path, **self._limits)
            else:
                self.report = _api.check(self.path, **self._limits)
        except SmauditError as error:
            self.error = error
            self.report = getattr(error, "report", None)
            LOGGER.error("%s", error)
        if self.report is None or (isinstance(self.error, SmauditError) and not isinstance(self.error, RuleBroken)):
            return
        totals = self.report.totals
        LOGGER.info(
            "%s: %s, avoidable %s, %s",
            os.fspath(self.path),
            size(totals.bytes),
            size(totals.findings_bytes),
            share(totals.findings_bytes, totals.bytes),
        )
        for model in self.report.models:
            for finding in model.findings:
                LOGGER.info("%s %s: %s", size(finding.bytes), finding.id, finding.message)
        if isinstance(logs, dict):
            logs["smaudit_total_bytes"] = totals.bytes
            logs["smaudit_avoidable_bytes"] = totals.findings_bytes

    def _implements_train_batch_hooks(self) -> bool:
        return False

    _implements_test_batch_hooks = _implements_predict_batch_hooks = _implements_train_batch_hooks

    on_train_begin = on_epoch_begin = on_epoch_end = _nothing
    on_batch_begin = on_batch_end = on_train_batch_begin = on_train_batch_end = _nothing
    on_test_begin = on_test_end = on_test_batch_begin = on_test_batch_end = _nothing
    on_predict_begin = on_predict_end = on_predict_batch_begin = on_predict_batch_end = _nothing
