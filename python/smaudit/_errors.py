"""What can go wrong, by the exit code of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaudit._report import Report, RuleOutcome, SlimReport


class SmauditError(Exception):
    """The base of all errors of this package; its text is what the tool said.

    Attributes:
        exit_code: that of the command; negative where a signal ended it.
    """

    exit_code: int

    def __init__(self, message: str, exit_code: int) -> None:
        """Takes what the tool said, and its exit code."""
        super().__init__(message)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross processes: what each has beside its text goes with it."""
        return (_again, (type(self), str(self), dict(self.__dict__)))


def _again(kind: type[SmauditError], message: str, fields: dict[str, object]) -> SmauditError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(fields)
    return error


class UsageError(SmauditError):
    """Exit code 2: an argument, a limit, a configuration or a baseline is wrong."""


class UnreadableModel(SmauditError):  # noqa: N818
    """Exit code 3: a model cannot be read, is damaged or changed while it was read.

    Attributes:
        report: what could be read all the same, with `unreadable` and the `problems` of each model; None where the
            tool wrote no report.
    """

    report: Report | None

    def __init__(self, message: str, exit_code: int, report: Report | None = None) -> None:
        """Takes what the tool said, its exit code, and what it could read."""
        super().__init__(message, exit_code)
        self.report = report


class NotWhole(UnreadableModel):
    """Exit code 3: no loader could restore the model, as a file is missing or is something else."""


class RuleBroken(SmauditError):  # noqa: N818
    """Exit code 1: everything was audited, and a rule is broken.

    Attributes:
        rules: the rules that are broken, each with its limit, what was found, and by how many bytes it is too much.
        report: the whole report.
    """

    rules: tuple[RuleOutcome, ...]
    report: Report

    def __init__(self, message: str, exit_code: int, report: Report) -> None:
        """Takes what the tool said, its exit code, and the report."""
        super().__init__(message, exit_code)
        self.report = report
        self.rules = tuple(rule for rule in report.gate.rules if rule.status == "fail")


class NothingWritten(SmauditError):  # noqa: N818
    """Exit code 1 of `slim`: the result would not be smaller, or could not be proven, so nothing was written.

    Attributes:
        report: what was tried; `models[].reasons` says why not.
    """

    report: SlimReport

    def __init__(self, message: str, exit_code: int, report: SlimReport) -> None:
        """Takes what the tool said, its exit code, and the report."""
        super().__init__(message, exit_code)
        self.report = report


class InternalError(SmauditError):
    """Exit code 70: a mistake in smaudit, as when its books do not balance. Please report it."""
