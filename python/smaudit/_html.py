"""What a notebook shows of a report: the figures that the report has, in a small table. Names are escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaudit._report import Diff, ModelReport, Report

#: More than this many models, findings or problems are not shown, but counted.
MOST = 10


def of_report(report: Report) -> str:
    """A report in HTML, without styles or scripts of the page's own."""
    parts = [_model(report.models[0])] if len(report.models) == 1 else [_models(report)]
    unread = [f"{each.path}: {each.message}" for each in report.unreadable]
    parts += _list("cannot be read", unread)
    broken = [
        f"{rule.status.upper()} {rule.metric}: at most {rule.limit}, found {rule.actual} ({size(rule.over_bytes)} more)"
        for rule in report.gate.rules
        if rule.status in ("fail", "warn")
    ]
    parts += _list("rules", broken)
    return "<div>" + "".join(parts) + "</div>"


def of_diff(diff: Diff) -> str:
    """A diff in HTML: what changed by category, and which causes came and went."""
    head = (
        f"<b>{_text(diff.old.path)}</b> → <b>{_text(diff.new.path)}</b>: {size(diff.old.total_bytes)} → "
        f"{size(diff.new.total_bytes)} ({diff.delta_bytes:+,} bytes, of which {diff.naming_bytes:+,} are names)"
    )
    changed = sorted(diff.categories.items(), key=lambda each: -abs(each[1].delta))
    rows = "".join(
        f"<tr><td style='text-align:left'>{_text(name)}</td><td>{size(change.old)}</td><td>{size(change.new)}</td>"
        f"<td style='text-align:right'>{change.delta:+,}</td></tr>"
        for name, change in changed
        if change.delta
    )
    table = f"<table><tr><th>category</th><th>old</th><th>new</th><th>bytes</th></tr>{rows}</table>" if rows else ""
    parts = [head, table]
    for title, causes in (("new causes", diff.findings.new), ("resolved causes", diff.findings.resolved)):
        parts += _list(title, [f"{each.id}: {each.message}" for each in causes])
    return "<div>" + "".join(parts) + "</div>"


def _model(model: ModelReport) -> str:
    head = f"<b>{_text(model.path)}</b>: {size(model.total_bytes)} ({model.total_bytes:,} bytes)"
    parts = [
        head,
        *_list("problems", [f"{each.file or ''}: {each.message}" for each in model.problems]),
    ]
    listed = [(row.name, row.bytes) for row in model.breakdown.rows if row.bytes]
    rows = listed[:MOST]
    cells = "".join(
        f"<tr><td style='text-align:left'>{_text(name)}</td>"
        f"<td style='text-align:right'>{size(count)}</td>"
        f"<td style='text-align:right'>{html.escape(share(count, model.total_bytes))}</td></tr>"
        for name, count in rows
    )
    parts.append(
        f"<table><tr><th>{_text(' / '.join(model.breakdown.by))}</th><th>size</th><th></th></tr>{cells}</table>"
    )
    parts += _more(len(listed), "rows")
    if model.findings:
        parts.append(
            f"<b>avoidable: {size(model.findings_bytes)}, "
            f"{html.escape(share(model.findings_bytes, model.total_bytes))}</b>"
        )
        for finding in model.findings[:MOST]:
            code = f"<pre>{_text(finding.remedy_code)}</pre>" if finding.remedy_code else ""
            parts.append(
                f"<details><summary>{size(finding.bytes)} <code>{_text(finding.id)}</code> "
                f"{_text(finding.message)}</summary><p>{_text(finding.remedy)}</p>{code}</details>"
            )
        parts += _more(len(model.findings), "findings")
    elif model.whole and not model.problems:
        parts.append("nothing avoidable found")
    return "".join(parts)


def _models(report: Report) -> str:
    models = sorted(report.models, key=lambda model: (-model.findings_bytes, model.path))
    rows = "".join(
        f"<tr><td style='text-align:left'>{_text(model.path)}</td><td>{size(model.total_bytes)}</td>"
        f"<td>{size(model.findings_bytes)}</td><td>{html.escape(share(model.findings_bytes, model.total_bytes))}</td>"
        f"<td style='text-align:left'>{_text(model.findings[0].id if model.findings else '')}"
        f"{'' if model.whole else ' (not whole)'}</td></tr>"
        for model in models[:MOST]
    )
    total = report.totals
    head = f"<b>{total.models} models</b>: {size(total.bytes)}, avoidable {size(total.findings_bytes)}"
    table = (
        f"<table><tr><th>model</th><th>size</th><th>avoidable</th><th></th><th>largest cause</th></tr>{rows}</table>"
    )
    return head + table + "".join(_more(len(models), "models"))


def _list(title: str, items: list[str]) -> list[str]:
    if not items:
        return []
    lines = "".join(f"<li>{_text(item)}</li>" for item in items[:MOST])
    return [f"<p>{title}</p><ul>{lines}</ul>", *_more(len(items), title)]


def _more(count: int, what: str) -> list[str]:
    return [f"<p>{count - MOST} more {what}</p>"] if count > MOST else []


def _text(text: str | None) -> str:
    """Text of a model, of which no page takes anything for markup, and no line is turned round."""
    visible = "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text or "")
    return html.escape(visible)


def size(count: int) -> str:
    """Bytes as the text report has them: three digits and a decimal unit."""
    if count < 1000:
        return f"{count} bytes"
    value, units = float(count), iter(("kB", "MB", "GB", "TB", "PB", "EB"))
    unit = ""
    while value >= 999.5:
        value, unit = value / 1000, next(units, unit)
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def share(count: int, total: int) -> str:
    """A share with one digit, as the text report has it."""
    if not count or not total:
        return "0%"
    written = f"{100 * count / total:.1f}%"
    return "<0.1%" if written == "0.0%" else written
