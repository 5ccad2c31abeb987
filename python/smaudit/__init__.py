"""Why is a TensorFlow SavedModel so big, and what of it can be avoided?

    >>> import smaudit
    >>> model = smaudit.audit("fixtures/keras-lstm").model
    >>> print(f"{model.findings_bytes} of {model.total_bytes} bytes: {model.findings[0].id}")
    171681 of 209024 bytes: layer-traces

`audit` reports, `diff` says what changed, `check` and `guard` hold a model against limits, `explain` tells of a
finding, `slim` writes a smaller model. `smaudit.keras` has an export that checks and a callback, `smaudit.beam` a
transform for fleets of models, `smaudit.tfx` a component that Pusher waits for. Neither TensorFlow nor Keras is
imported, nor needed: the work is done by the `smaudit` binary, which is in the same wheel.

Everything is imported when it is first used, so that `import smaudit` costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from smaudit._api import Limit as Limit
    from smaudit._api import Path as Path
    from smaudit._api import audit as audit
    from smaudit._api import check as check
    from smaudit._api import diff as diff
    from smaudit._api import explain as explain
    from smaudit._api import slim as slim
    from smaudit._errors import InternalError as InternalError
    from smaudit._errors import NothingWritten as NothingWritten
    from smaudit._errors import NotWhole as NotWhole
    from smaudit._errors import RuleBroken as RuleBroken
    from smaudit._errors import SmauditError as SmauditError
    from smaudit._errors import UnreadableModel as UnreadableModel
    from smaudit._errors import UsageError as UsageError
    from smaudit._find import find_binary as find_binary
    from smaudit._guard import guard as guard
    from smaudit._report import Diff as Diff
    from smaudit._report import Finding as Finding
    from smaudit._report import ModelReport as ModelReport
    from smaudit._report import Report as Report
    from smaudit._report import RuleOutcome as RuleOutcome
    from smaudit._report import SlimReport as SlimReport

_WHERE = {
    "InternalError": "_errors",
    "Diff": "_report",
    "Finding": "_report",
    "Limit": "_api",
    "ModelReport": "_report",
    "NotWhole": "_errors",
    "NothingWritten": "_errors",
    "Path": "_api",
    "Report": "_report",
    "RuleBroken": "_errors",
    "RuleOutcome": "_report",
    "SlimReport": "_report",
    "SmauditError": "_errors",
    "UnreadableModel": "_errors",
    "UsageError": "_errors",
    "audit": "_api",
    "check": "_api",
    "diff": "_api",
    "explain": "_api",
    "find_binary": "_find",
    "guard": "_guard",
    "slim": "_api",
}

__all__ = [  # noqa: RUF022
    "audit",
    "check",
    "diff",
    "explain",
    "guard",
    "slim",
    "Report",
    "Diff",
    "ModelReport",
    "Finding",
    "RuleOutcome",
    "SlimReport",
    "SmauditError",
    "UsageError",
    "UnreadableModel",
    "NotWhole",
    "RuleBroken",
    "NothingWritten",
    "InternalError",
    "find_binary",
    "Limit",
    "Path",
]


def __getattr__(name: str) -> object:
    import importlib

    if name == "__version__":
        from importlib import metadata

        return metadata.version("smaudit")
    if name not in _WHERE:
        raise AttributeError(f"module 'smaudit' has no attribute '{name}'")
    found = getattr(importlib.import_module(f"smaudit.{_WHERE[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
