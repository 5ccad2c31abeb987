"""What other systems take of a JSON report: `python -m smaudit.ci comment|codequality|metrics REPORT`.

`comment` is Markdown for a pull request, `codequality` GitLab's (Code Climate's) JSON, `metrics` OpenMetrics text. The
report may come from somebody who is not trusted, as that of a fork's pull request does: each figure is taken as a
number, and each name is shown as code that mentions nobody and links nowhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING

from smaudit._html import share, size
from smaudit._report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smaudit._report import ModelReport, RuleOutcome

#: The first line of a comment, by which the next one finds it.
MARKER = "<!-- smaudit -->"
#: The most bytes of a report that are read: it may come from a fork.
MOST_BYTES = 64 << 20
#: The most models, findings, rules and problems that a comment shows.
MOST = 20


def comment(report: Report) -> str:
    """The figures of a report as Markdown, for a comment on a pull request; at most some 20 kB."""
    verdict = "every rule holds" if report.gate.passed else "**a rule is broken or could not be checked**"
    lines = [MARKER, f"### Model size: {verdict}", ""]
    lines += ["| model | size | avoidable | | largest cause |", "|---|--:|--:|--:|---|"]
    models = sorted(report.models, key=lambda model: -int(model.findings_bytes))
    for model in models[:MOST]:
        cause = code(model.findings[0].id) if model.findings else ""
        name = code(model.path) + ("" if model.whole else " **not whole**")
        total, avoidable = int(model.total_bytes), int(model.findings_bytes)
        lines.append(f"| {name} | {size(total)} | {size(avoidable)} | {share(avoidable, total)} | {cause} |")
    lines += _rest(len(models), "models")
    rules = [rule for rule in report.gate.rules if rule.status != "pass"]
    if rules:
        lines += ["", "| | rule | model | at most | found | too much |", "|---|---|---|--:|--:|--:|"]
        for rule in rules[:MOST]:
            cells = [code(rule.status), code(rule.metric), code(rule.model), code(rule.limit)]
            cells += [size(int(rule.actual_bytes)), size(int(rule.over_bytes))]
            lines.append(f"| {' | '.join(cells)} |")
        lines += _rest(len(rules), "rules")
    problems = [(model.path, problem.message) for model in models for problem in model.problems]
    problems += [(each.path, each.message) for each in report.unreadable]
    if problems:
        lines += ["", *(f"- {code(path)}: {code(message)}" for path, message in problems[:MOST])]
        lines += _rest(len(problems), "problems")
    return "\n".join(lines) + "\n"


def codequality(report: Report) -> str:
    """Broken rules, findings and problems as a code quality report, each at the model's main file."""
    issues = []
    for model in report.models:
        for finding in model.findings:
            text = f"{finding.id}: {size(finding.bytes)} avoidable. {finding.message}"
            issues.append(_issue(model.path, finding.id, text, "info", finding.id))
        for problem in model.problems:
            text = f"{problem.file or 'model'}: {problem.message}"
            issues.append(_issue(model.path, f"problem-{problem.kind}", text, "critical", text))
    issues += [_issue(each.path, "unreadable", each.message, "critical", each.message) for each in report.unreadable]
    for rule in report.gate.rules:
        if rule.status != "pass":
            severity = "minor" if rule.level == "warn" else "major"
            text = f"{rule.metric}: at most {rule.limit}, found {size(rule.actual_bytes)} ({rule.status})"
            issues.append(_issue(rule.model, f"rule-{rule.rule}", text, severity, _named(rule)))
    return json.dumps(issues, indent=1) + "\n"


def metrics(report: Report) -> str:
    """The sizes of each model as OpenMetrics text."""
    families: dict[str, tuple[str, Callable[[ModelReport], int]]] = {
        "smaudit_total_bytes": ("The model's files.", lambda model: model.total_bytes),
        "smaudit_avoidable_bytes": ("What all findings together free.", lambda model: model.findings_bytes),
        "smaudit_redundant_bytes": ("What is stored again.", lambda model: model.duplicates.redundant_bytes),
        "smaudit_whole": ("1 where a loader could restore it.", lambda model: int(model.whole)),
    }
    lines = []
    for name, (words, figure) in families.items():
        lines += [f"# TYPE {name} gauge", f"# HELP {name} {words}"]
        if name.endswith("_bytes"):
            lines.insert(-1, f"# UNIT {name} bytes")
        lines += [f'{name}{{model="{_label(model.path)}"}} {figure(model)}' for model in report.models]
    lines += ["# TYPE smaudit_category_bytes gauge", "# UNIT smaudit_category_bytes bytes"]
    lines += ["# HELP smaudit_category_bytes Where the bytes are."]
    for model in report.models:
        for category, count in model.categories.items():
            lines.append(
                f'smaudit_category_bytes{{model="{_label(model.path)}",category="{_label(category)}"}} {count}'
            )
    return "\n".join(lines) + "\n# EOF\n"


def code(text: str) -> str:
    """A name as code in a cell of a Markdown table, of which nothing is taken for markup; cut at 200 characters."""
    text = text if len(text) <= 200 else text[:199] + "…"
    shown = "".join(c if c.isprintable() else "�" for c in text).replace("`", "'").replace("|", "¦").strip()
    return f"`{shown}`" if shown else ""


def _rest(count: int, what: str) -> list[str]:
    return ["", f"{count - MOST} more {what}"] if count > MOST else []


def _issue(path: str, check: str, text: str, severity: str, identity: str) -> dict[str, object]:
    """An issue, with a fingerprint that stays the same while its bytes change."""
    path = os.path.normpath(path)
    place = os.path.join(path, "saved_model.pb")
    fingerprint = hashlib.sha256("\0".join((path, check, identity)).encode("utf-8", "surrogateescape")).hexdigest()
    return {
        "description": text,
        "check_name": f"smaudit-{check}",
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": place.replace(os.sep, "/"), "lines": {"begin": 1}},
    }


def _named(rule: RuleOutcome) -> str:
    return f"{rule.metric} {rule.limit} {rule.source}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what was asked for to standard output."""
    parser = argparse.ArgumentParser(prog="python -m smaudit.ci", description=(__doc__ or "").partition("\n")[0])
    writers = {"comment": comment, "codequality": codequality, "metrics": metrics}
    parser.add_argument("what", choices=writers)
    parser.add_argument("report", help="a report that `smaudit --json` wrote")
    given = parser.parse_args(arguments)
    try:
        with open(given.report, "rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        written = writers[given.what](Report.from_json(text))
    except (OSError, ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError) as error:
        print(f"smaudit: {given.report}: not a report of smaudit: {error}", file=sys.stderr)
        return 3
    sys.stdout.buffer.write(written.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
