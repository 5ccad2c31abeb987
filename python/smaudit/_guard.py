"""A check around any code that writes a model."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from smaudit import _api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smaudit._api import Limit, Path
    from smaudit._report import Report


class guard:  # noqa: N801
    """Checks a model when the block that writes it ends.

    Takes the arguments of `check`. Where the block raises an error, that is raised on and nothing is checked. The model
    stays where it was written, whatever the check says.

    Attributes:
        report: the report, after the block.

    Raises:
        RuleBroken, NotWhole, UnreadableModel, UsageError: at the end of the block, as `check` does.

    Example:
        >>> import shutil, smaudit, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with smaudit.guard(f"{folder}/model", max_avoidable="5%") as guarded:
        ...         _ = shutil.copytree("fixtures/partitioned", f"{folder}/model")
        ...     print(guarded.report.model.total_bytes)
        20797
    """

    report: Report

    def __init__(
        self,
        path: Path,
        *,
        max_avoidable: Limit | None = None,
        max_duplication: Limit | None = None,
        max_size: Limit | Mapping[str, Limit] | None = None,
        baseline: Path | None = None,
        max_growth: Limit | None = None,
        config: Path | None = None,
    ) -> None:
        """Takes where the model will be, and the limits of `check`."""
        self._path = path
        self._max_avoidable = max_avoidable
        self._max_duplication = max_duplication
        self._max_size = max_size
        self._baseline = baseline
        self._max_growth = max_growth
        self._config = config

    def __enter__(self) -> guard:
        """The guard itself, whose `report` is there after the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Checks, unless the block failed."""
        if kind is not None:
            return
        self.report = _api.check(
            self._path,
            max_avoidable=self._max_avoidable,
            max_duplication=self._max_duplication,
            max_size=self._max_size,
            baseline=self._baseline,
            max_growth=self._max_growth,
            config=self._config,
        )
