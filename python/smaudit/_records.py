"""What the dataclasses of `smaudit._report` have in common, and what is written by hand of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

    from smaudit._report import Diff, ModelReport, Report, SlimReport


class Record:
    """The base of everything in a report: immutable, compared by value."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {}

    @classmethod
    def _decode(cls, fields: dict[str, Any]) -> Self:
        """A record of an object of JSON, which it takes over.

        That is many times faster than the `__init__` of a frozen dataclass, and a report may have a million rows.
        """
        for key, (shape, name) in cls._parts.items():
            value = fields.get(key)
            if value is None:
                continue
            if name is None:
                fields[key] = tuple(value)
                continue
            decode = _class(name)._decode
            if shape == "one":
                fields[key] = decode(value)
            elif shape == "many":
                fields[key] = tuple([decode(each) for each in value])
            else:
                fields[key] = {each: decode(inner) for each, inner in value.items()}
        record = object.__new__(cls)
        record.__dict__.update(fields)
        return record


def _class(name: str) -> type[Record]:
    from smaudit import _report

    found: type[Record] = getattr(_report, name)
    return found


class Document(Record):
    """A whole document, which knows the JSON that it was read from."""

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Reads a document that `smaudit --json` wrote.

        Raises:
            ValueError: it is no JSON, or of another `schema_version`.
        """
        import json

        fields = json.loads(text)
        if not isinstance(fields, dict) or fields.get("schema_version") != 1:
            raise ValueError("not a document of smaudit with schema_version 1")
        record = cls._decode(fields)
        record.__dict__["_text"] = text if isinstance(text, str) else text.decode()
        return record

    def to_json(self) -> str:
        """The document as the tool wrote it: to save it, or for `smaudit diff`."""
        text: str = self.__dict__["_text"]
        return text


class OfReport(Document):
    """What a report can do."""

    @property
    def model(self: Report) -> ModelReport:  # type: ignore[misc]
        """The only model of the report.

        Raises:
            ValueError: there is none, or there are several, which are in `models`.
        """
        if len(self.models) != 1:
            raise ValueError(f"the report has {len(self.models)} models: see `models`")
        return self.models[0]

    def to_frame(self: Report, by: str | Sequence[str] | None = None) -> pandas.DataFrame:  # type: ignore[misc]
        """The breakdown as a `pandas.DataFrame`: a row for each name of the innermost dimension.

        Args:
            by: the dimensions, outermost first. None is those that the report was made with; others audit the models
                once more, so they must still be where they were, and be the same size.

        Returns:
            A column `model` (its path), one for each dimension, `bytes` (of the disk) and `count`. The bytes of a model
            add up to its `total_bytes`.

        Raises:
            ImportError: pandas is not installed.
            ValueError: a model has another size now, or the report was read from JSON and has other dimensions.
        """
        import pandas

        wanted = (by,) if isinstance(by, str) else tuple(by) if by is not None else None
        report = self
        if wanted is not None and any(model.breakdown.by != wanted for model in self.models):
            again = self.__dict__.get("_again")
            if again is None:
                raise ValueError("the report was read from JSON: it has no other dimensions than its own")
            report = again(wanted)
            if [model.total_bytes for model in report.models] != [m.total_bytes for m in self.models]:
                raise ValueError("the models have changed since they were audited: audit them again")
        dimensions = report.models[0].breakdown.by if report.models else wanted or ()
        columns = ["model", *_columns(dimensions), "bytes", "count"]
        rows: list[list[object]] = []
        for named, model in zip(self.models, report.models, strict=True):
            _flatten(model.breakdown.rows, [named.path], len(dimensions), rows)
        frame: pandas.DataFrame = pandas.DataFrame(rows, columns=columns)
        return frame

    def __repr__(self: Report) -> str:  # type: ignore[misc]
        """The report in a line."""
        totals = self.totals
        passed = "passed" if self.gate.passed else "not passed"
        found = f"bytes={totals.bytes} findings_bytes={totals.findings_bytes}"
        return f"<Report models={totals.models} {found} rules {passed}>"

    def _repr_html_(self: Report) -> str:  # type: ignore[misc]
        from smaudit._html import of_report

        return of_report(self)


class OfDiff(Document):
    """What a diff can do."""

    def __repr__(self: Diff) -> str:  # type: ignore[misc]
        """The diff in a line."""
        sides = f"{self.old.path!r} -> {self.new.path!r}"
        return f"<Diff {sides} delta_bytes={self.delta_bytes} naming_bytes={self.naming_bytes}>"

    def _repr_html_(self: Diff) -> str:  # type: ignore[misc]
        from smaudit._html import of_diff

        return of_diff(self)


class OfSlim(Document):
    """What the report of a smaller model can do."""

    def __repr__(self: SlimReport) -> str:  # type: ignore[misc]
        """The report in a line."""
        done = "written" if self.written else "not written"
        return f"<SlimReport {done} old_bytes={self.old_bytes} new_bytes={self.new_bytes}>"


class OfModel(Record):
    """What a model of a report can do."""

    def __repr__(self: ModelReport) -> str:  # type: ignore[misc]
        """The model in a line."""
        found = f"total_bytes={self.total_bytes} findings_bytes={self.findings_bytes}"
        return f"<ModelReport {self.path!r} {found}{'' if self.whole else ' not whole'}>"


def _columns(dimensions: Sequence[str]) -> list[str]:
    """Names of columns, with a number where a dimension is asked for again: `scope`, `scope2`."""
    seen: dict[str, int] = {}
    names = []
    for dimension in dimensions:
        seen[dimension] = seen.get(dimension, 0) + 1
        names.append(dimension if seen[dimension] == 1 else f"{dimension}{seen[dimension]}")
    return names


def _flatten(rows: Any, above: list[object], depth: int, into: list[list[object]]) -> None:
    for row in rows:
        if row.children:
            _flatten(row.children, [*above, row.name], depth, into)
        else:
            # A name that the next dimension does not apply to has no row below it.
            names = [*above, row.name]
            into.append([*names, *[None] * (depth + 1 - len(names)), row.bytes, row.count])


def path_of(path: str | os.PathLike[str]) -> str:
    """A path as an argument that is not taken for an option, or for standard input."""
    text = os.fspath(path)
    return os.path.join(os.curdir, text) if text.startswith("-") else text
