"""Runs the binary and turns its exit code into a report or an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import NamedTuple, NoReturn, TypeVar

from smaudit._errors import InternalError, NotWhole, SmauditError, UnreadableModel, UsageError
from smaudit._find import find_binary
from smaudit._records import Document
from smaudit._report import Report

D = TypeVar("D", bound=Document)

PASSED, BROKEN, USAGE, UNREADABLE, INTERNAL = 0, 1, 2, 3, 70


class Finished(NamedTuple):
    """How a run of the binary ended."""

    code: int
    output: bytes
    said: str


def run(arguments: Sequence[str]) -> Finished:
    """Runs the binary to its end; nothing of what it writes is printed.

    Where this thread is interrupted meanwhile (Ctrl-C), the binary is ended as well.
    """
    # What it says is for an exception's text, so it must not be written as commands for GitHub's runner.
    environment = {key: value for key, value in os.environ.items() if key != "GITHUB_ACTIONS"}
    process = subprocess.Popen(
        [find_binary(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    try:
        output, messages = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Finished(process.returncode, output, _said(messages))


def _said(messages: bytes) -> str:
    lines = messages.decode("utf-8", "replace").strip().splitlines()
    return "\n".join(line.removeprefix("smaudit: ") for line in lines)


def document(kind: type[D], finished: Finished) -> D:
    """The document that a run wrote."""
    try:
        return kind.from_json(finished.output)
    except (json.JSONDecodeError, ValueError) as error:
        raise SmauditError(f"what smaudit wrote cannot be read: {error}", finished.code) from error


def fail(finished: Finished) -> NoReturn:
    """Raises the error of an exit code that stands for one."""
    code, output, said = finished
    if code == USAGE:
        raise UsageError(said, code)
    if code == UNREADABLE:
        report = Report.from_json(output) if output.startswith(b"{") else None
        whole = report is None or all(model.whole for model in report.models)
        raise (UnreadableModel if whole else NotWhole)(said, code, report)
    if code == INTERNAL:
        raise InternalError(said, code)
    if code < 0:
        said = said or f"smaudit was ended by {signal.Signals(-code).name}"
    raise SmauditError(said or f"smaudit ended with exit code {code}", code)
