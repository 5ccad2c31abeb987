"""The functions of the package: each runs the binary once. No process of its own is kept, so threads may call them."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from smaudit import _run
from smaudit._errors import NothingWritten, NotWhole, RuleBroken, UnreadableModel
from smaudit._records import path_of
from smaudit._report import Diff, Report, SlimReport

if TYPE_CHECKING:
    from smaudit._report import Dimension, RemoteDepth, SlimLevel, SlimStep

#: A path of the file system, or what else the command takes for a model.
Path: TypeAlias = "str | os.PathLike[str]"
#: A limit: a share (`"5%"`), a size (`"10MB"`, `"10MiB"`), or a number of bytes.
Limit: TypeAlias = "str | int"


def audit(
    path: Path,
    *,
    by: Dimension | Sequence[Dimension] | None = None,
    only: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    min_duplicate: str | int | None = None,
    verify: bool = False,
    remote_depth: RemoteDepth | None = None,
    config: Path | None = None,
) -> Report:
    """Says where the bytes of a SavedModel are, which can be avoided, and how.

    Args:
        path: a model's directory, its `saved_model.pb`, a tree with several models, an archive, or the URL of one of
            these (`s3://`, `gs://`, `az://`, `https://`).
        by: the dimensions of `breakdown`, outermost first: `"op"`, `["category", "variable"]`. None is `"category"`.
        only: restricts the breakdown to what matches a pattern in a dimension: `{"op": "Const"}`. Pairs in a list
            may name a dimension twice; all must match.
        min_duplicate: the smallest payload, in bytes or as `"1KiB"`, that is compared for duplicates; None is 1 KiB.
        verify: whether every tensor is read and its checksum checked, and every message of the main file.
        remote_depth: how much of a model at a URL is read: `"list"`, `"index"` or `"full"`; None is `"index"`.
        config: a file of rules. None is the `smaudit.toml` of the working directory or above it, where there is one.

    Returns:
        The report. All sizes are in bytes. A rule of `config` that is broken is in `report.gate` and no error here;
        `check` makes it one.

    Raises:
        NotWhole: no loader could restore the model; what could be read is in the error's `report`.
        UnreadableModel: there is no model, or it is damaged; so is that.
        UsageError: an argument or the configuration is wrong.

    Example:
        >>> import smaudit
        >>> report = smaudit.audit("fixtures/two-metagraphs", by="op")
        >>> report.model.total_bytes, report.model.findings_bytes
        (118316, 79779)
        >>> report.model.breakdown.rows[0].name
        'Const'
    """
    options = _questions(by, only, min_duplicate, verify, config)
    if remote_depth is not None:
        options.append(f"--remote-depth={remote_depth}")
    return _report(path, options, {_run.PASSED, _run.BROKEN})[0]


def check(
    path: Path,
    *,
    max_avoidable: Limit | None = None,
    max_duplication: Limit | None = None,
    max_size: Limit | Mapping[str, Limit] | None = None,
    baseline: Path | None = None,
    max_growth: Limit | None = None,
    config: Path | None = None,
) -> Report:
    """Audits a model and holds it against limits. A limit is inclusive.

    Args:
        path: as for `audit`.
        max_avoidable: the most that all findings together may say can go: `"5%"` of the model, `"10MB"`, or bytes.
        max_duplication: the most bytes that may be stored again.
        max_size: the most bytes of the model, or of categories: `{"graph_def": "2MB", "variables": "80%"}`; the key
            `"total"` is the model.
        baseline: what growth is measured from: a file that `smaudit baseline` wrote, or a model.
        max_growth: how much more than the baseline the model may have: `"1%"`, `"100kB"`, or bytes.
        config: a file with more rules. None is the `smaudit.toml` of the working directory or above it.

    Returns:
        The report, where every rule holds.

    Raises:
        RuleBroken: a rule is broken; the error's `rules` are those, and `report` is the whole report.
        NotWhole: no loader could restore the model.
        UnreadableModel: there is no model, or it is damaged.
        UsageError: a limit, the baseline or the configuration is wrong.

    Example:
        >>> import smaudit
        >>> try:
        ...     smaudit.check("fixtures/two-metagraphs", max_avoidable="5%")
        ... except smaudit.RuleBroken as broken:
        ...     print(broken.rules[0].metric, broken.rules[0].over_bytes)
        avoidable 73864
    """
    options = _limits(max_avoidable, max_duplication, max_size, baseline, max_growth)
    options += _questions(None, None, None, False, config)
    report, finished = _report(path, options, {_run.PASSED, _run.BROKEN})
    if finished.code == _run.BROKEN:
        raise RuleBroken(finished.said, finished.code, report)
    return report


def diff(old: Path | Report, new: Path | Report, *, by: Dimension | Sequence[Dimension] | None = None) -> Diff:
    """Says what changed from one model to another.

    Things of both are matched by content, name and structure, so a rename is one row. At every level the rows add up to
    the change of the level above, and at the top to `delta_bytes`.

    Args:
        old: a model, an archive, a JSON report, or a `Report` of one model.
        new: the same of what it became.
        by: joins the breakdowns by these dimensions too, outermost first; a `Report` must have been made with them.

    Returns:
        The diff. All figures are in bytes; those that went have a minus.

    Raises:
        NotWhole, UnreadableModel: one of them cannot be read.
        UsageError: an argument is wrong.

    Example:
        >>> import smaudit
        >>> changed = smaudit.diff("fixtures/partitioned", "fixtures/two-metagraphs")
        >>> changed.delta_bytes, sum(change.delta for change in changed.categories.values())
        (97519, 97519)
    """
    with contextlib.ExitStack() as stack:
        sides = []
        for side in (old, new):
            if isinstance(side, Report):
                file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8"))
                file.write(side.to_json())
                file.flush()
                side = file.name
            sides.append(path_of(side))
        finished = _run.run(["diff", "--json", *_questions(by, None, None, False, None), "--", *sides])
    if finished.code == _run.UNREADABLE and finished.output:
        problems = _run.document(Diff, finished).problems
        whole = all(problem.kind != "not-whole" for problem in problems)
        raise (UnreadableModel if whole else NotWhole)(finished.said, finished.code)
    if finished.code != _run.PASSED:
        _run.fail(finished)
    return _run.document(Diff, finished)


def explain(finding: str | None = None) -> str:
    """Says what a finding means, how it is known, what to do, and when not to.

    Args:
        finding: the finding's `id`. None lists all of them.

    Raises:
        UsageError: there is no such finding; the message has the one that was probably meant.

    Example:
        >>> import smaudit
        >>> print(smaudit.explain("layer-traces").splitlines()[0])
        layer-traces: the call functions of Keras layers, beside what serves
    """
    finished = _run.run(["explain", *([] if finding is None else ["--", finding])])
    if finished.code != _run.PASSED:
        _run.fail(finished)
    return finished.output.decode()


def slim(
    path: Path | Sequence[Path],
    output: Path,
    *,
    level: SlimLevel = "safe",
    tags: Iterable[str] = (),
    signatures: Iterable[str] = (),
    keep_functions: Iterable[str] = (),
    strip: bool = False,
    skip: Iterable[SlimStep] = (),
    dry_run: bool = False,
) -> SlimReport:
    """Writes a smaller model that serves the same; it is proven before it appears, and the original is not touched.

    Args:
        path: a model's directory, its `saved_model.pb`, an archive, or a tree with several models; or several of
            these, which have a folder each in `output`.
        output: the directory to write, or an archive (`.tar`, `.tar.gz`, `.tgz`, `.zip`). It must not be there, and
            appears whole, or not at all.
        level: what the smaller model may do without. `"safe"`: nothing; whatever loads, trains, saves or converts
            the model does so as before. `"inference"`: training state and custom gradients; every signature and
            every function gives the same. `"serving"`: all that signatures do not need.
        tags: at level `"serving"`, those of the metagraph that is kept.
        signatures: at level `"serving"`, those that are kept; without any all are.
        keep_functions: at level `"serving"`, functions of Python that are kept, by the attributes that lead to them.
        strip: whether to leave out shapes of nodes within functions and names of arguments as well; not at `"safe"`.
        skip: steps to leave out.
        dry_run: whether to say what would be written, exactly, and to write nothing.

    Returns:
        What was saved, in bytes, by each step, and what was left as it is. The bytes of the steps add up to
        `saved_bytes`, the difference of the two directories.

    Raises:
        NothingWritten: the result would not be smaller, or could not be proven.
        NotWhole, UnreadableModel: a model with problems is refused; what they are is in the text.
        UsageError: an argument is wrong, or `output` is there already.

    Example:
        >>> import smaudit
        >>> try:
        ...     smaudit.slim("fixtures/partitioned", "smaller", dry_run=True)
        ... except smaudit.NothingWritten as error:
        ...     print(error.report.saved_bytes, error.report.written)
        0 False
    """
    options = [f"--output={os.fspath(output)}", f"--level={level}", *(f"--skip={step}" for step in skip)]
    options += [f"--tags={tag}" for tag in tags] + [f"--signature={name}" for name in signatures]
    options += [f"--keep-function={name}" for name in keep_functions]
    options += ["--strip"] if strip else []
    options += ["--dry-run"] if dry_run else []
    paths = [path] if isinstance(path, (str, os.PathLike)) else path
    finished = _run.run(["slim", "--json", *options, "--", *map(path_of, paths)])
    if finished.code == _run.UNREADABLE and finished.output:
        refused = _run.document(SlimReport, finished)
        kinds = {problem.kind for model in refused.models for problem in model.problems}
        raise (NotWhole if "not-whole" in kinds else UnreadableModel)(finished.said, finished.code)
    if finished.code not in (_run.PASSED, _run.BROKEN):
        _run.fail(finished)
    report = _run.document(SlimReport, finished)
    if finished.code == _run.BROKEN:
        why = [f"{each.path}: {'; '.join(each.reasons) or each.outcome.replace('_', ' ')}" for each in report.models]
        raise NothingWritten("\n".join([*why, *([finished.said] if finished.said else [])]), finished.code, report)
    return report


def _questions(
    by: str | Sequence[str] | None,
    only: Mapping[str, str] | Iterable[tuple[str, str]] | None,
    min_duplicate: str | int | None,
    verify: bool,
    config: Path | None,
) -> list[str]:
    options = []
    if by is not None:
        options.append(f"--by={by if isinstance(by, str) else ','.join(by)}")
    if only is not None:
        pairs = only.items() if isinstance(only, Mapping) else only
        options += [f"--only={dimension}={pattern}" for dimension, pattern in pairs]
    if min_duplicate is not None:
        options.append(f"--min-duplicate={min_duplicate}")
    if verify:
        options.append("--verify")
    if config is not None:
        options.append(f"--config={os.fspath(config)}")
    return options


def _limits(
    max_avoidable: Limit | None,
    max_duplication: Limit | None,
    max_size: Limit | Mapping[str, Limit] | None,
    baseline: Path | None,
    max_growth: Limit | None,
) -> list[str]:
    options = []
    if max_avoidable is not None:
        options.append(f"--max-avoidable={max_avoidable}")
    if max_duplication is not None:
        options.append(f"--max-duplication={max_duplication}")
    if isinstance(max_size, Mapping):
        for category, limit in max_size.items():
            options.append(f"--max-size={'' if category == 'total' else category + '='}{limit}")
    elif max_size is not None:
        options.append(f"--max-size={max_size}")
    if baseline is not None:
        options.append(f"--baseline={os.fspath(baseline)}")
    if max_growth is not None:
        options.append(f"--max-growth={max_growth}")
    return options


def _report(path: Path, options: list[str], fine: set[int]) -> tuple[Report, _run.Finished]:
    finished = _run.run(["--json", *options, "--", path_of(path)])
    if finished.code not in fine:
        _run.fail(finished)
    report = _run.document(Report, finished)
    # What `to_frame` does for other dimensions. The working directory may be another one by then.
    report.__dict__["_again"] = functools.partial(_by, _absolute(os.fspath(path)), tuple(options))
    return report, finished


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)


def _by(path: str, options: tuple[str, ...], by: Sequence[str]) -> Report:
    kept = [each for each in options if not each.startswith(("--by=", "--max-", "--baseline=", "--config="))]
    return _report(path, [*kept, f"--by={','.join(by)}"], {_run.PASSED, _run.BROKEN})[0]
