"""A gate between training and serving in TFX: `pip install smaudit[tfx]`.

    from smaudit.tfx import SizeValidator

    size = SizeValidator(model=trainer.outputs["model"], max_avoidable="5%", max_size="200MB")
    pusher = Pusher(model=trainer.outputs["model"], model_blessing=size.outputs["blessing"], push_destination=...)

`SizeValidator` is a component made of a function. What it emits is what TFX's own Evaluator emits, a `ModelBlessing`,
and Pusher waits for it: a model over a limit is not pushed, and the pipeline goes on.
"""

# Annotations are not postponed here: TFX makes the component's inputs and outputs of them.

import contextlib
import logging
import os
import tempfile
from typing import Any

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import Model, ModelBlessing
from tfx.utils import io_utils, path_utils

from smaudit import _api
from smaudit._errors import NotWhole, RuleBroken, UnreadableModel
from smaudit._report import Report

__all__ = ["SizeValidator"]

LOGGER = logging.getLogger("smaudit")

#: The schemes of stores that the binary reads by itself, a few ranges of each model.
STORES = ("az", "gs", "s3")

#: A property of a blessing is text of a database, so no more of a reason than this is written to it, in characters.
REASON = 2000


@component  # type: ignore[untyped-decorator]
def SizeValidator(  # noqa: N802, a component is named as a class
    model: InputArtifact[Model],
    blessing: OutputArtifact[ModelBlessing],
    baseline_model: InputArtifact[Model] = None,
    max_avoidable: Parameter[str] = "",
    max_duplication: Parameter[str] = "",
    max_size: Parameter[str] = "",
    max_growth: Parameter[str] = "",
    config: Parameter[str] = "",
) -> None:
    """Blesses a model that is whole and within its limits. Limits are those of `smaudit.check`, as text.

    Args:
        model: the model that Pusher would push: of its formats the one for serving.
        blessing: where the answer goes. An empty file, `BLESSED` or `NOT_BLESSED`, and the property `blessed`, 1 or 0,
            are as Evaluator writes them; `total_bytes`, `avoidable_bytes` and, of a model that is not blessed,
            `reason` are more.
        baseline_model: what growth is measured from, such as the latest blessed model of a Resolver. Where there is
            none yet, `max_growth` is not looked at, as Evaluator does with limits on a change.
        max_avoidable: the most that all findings together may say can go: `"5%"` of the model, `"10MB"`.
        max_duplication: the most bytes that may be stored again.
        max_size: the most bytes of the model, `"200MB"`, or of categories, separated by commas:
            `"graph_def=2MB,total=1GB"`.
        max_growth: how much more than `baseline_model` the model may have: `"1%"`, `"100kB"`.
        config: a file with more rules, which the machine has that runs the component.

    Raises:
        ValueError: there is no limit at all: nothing is blessed because somebody forgot to set one.
        UsageError: a limit or the configuration is wrong.
    """
    if not any((max_avoidable, max_duplication, max_size, max_growth, config)):
        raise ValueError(
            "SizeValidator has no limit: give it max_avoidable, max_duplication, max_size, max_growth or config"
        )
    limits: dict[str, Any] = {
        "max_avoidable": max_avoidable or None,
        "max_duplication": max_duplication or None,
        "max_size": _sizes(max_size),
        "config": config or None,
    }
    uris = [_serving(model)]
    if baseline_model is not None and max_growth:
        uris.append(_serving(baseline_model))
        limits["max_growth"] = max_growth
    reason = ""
    report: Report | None
    try:
        report = _check(uris, limits)
    except (RuleBroken, UnreadableModel) as error:
        report, reason = error.report, str(error)
    # As Evaluator does it (tfx/components/evaluator/executor.py).
    blessing.set_string_custom_property("current_model", model.uri)
    blessing.set_int_custom_property("current_model_id", model.id)
    if baseline_model is not None:
        blessing.set_string_custom_property("baseline_model", baseline_model.uri)
        blessing.set_int_custom_property("baseline_model_id", baseline_model.id)
    if report is not None:
        blessing.set_int_custom_property("total_bytes", report.totals.bytes)
        blessing.set_int_custom_property("avoidable_bytes", report.totals.findings_bytes)
    if reason:
        blessing.set_string_custom_property("reason", reason[:REASON])
        LOGGER.error("%s is not blessed: %s", model.uri, reason)
    io_utils.write_string_file(os.path.join(blessing.uri, "NOT_BLESSED" if reason else "BLESSED"), "")
    blessing.set_int_custom_property("blessed", 0 if reason else 1)


def _sizes(text: str) -> str | dict[str, str] | None:
    """Limits of sizes as `smaudit.check` takes them."""
    if "=" not in text:
        return text or None
    parts = (part.partition("=") for part in text.split(","))
    return {category.strip(): limit.strip() for category, _, limit in parts}


def _serving(model: Any) -> str:
    """Where Pusher finds what it pushes."""
    return str(path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)))


def _check(uris: list[str], limits: dict[str, Any]) -> Report:
    """Audits the first model; the second is what growth is measured from."""
    if all(_is_read_in_place(uri) for uri in uris):
        try:
            return _audited(uris, limits)
        except NotWhole:
            raise
        except UnreadableModel:
            # What cannot be read in a store may be for want of what TFX has, such as its credentials.
            if not any("://" in uri for uri in uris):
                raise
    with contextlib.ExitStack() as stack:
        return _audited([_here(uri, stack) for uri in uris], limits)


def _audited(paths: list[str], limits: dict[str, Any]) -> Report:
    path, *baseline = paths
    return _api.check(path, baseline=baseline[0] if baseline else None, **limits)


def _is_read_in_place(uri: str) -> bool:
    scheme, separator, _ = uri.partition("://")
    return not separator or scheme in STORES


def _here(uri: str, stack: contextlib.ExitStack) -> str:
    """A model on this machine, copied where it is not."""
    if "://" not in uri:
        return uri
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="smaudit-"))
    if fileio.exists(uri):
        io_utils.copy_dir(uri, scratch)
    return scratch
