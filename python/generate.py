"""Writes `smaudit/_report.py`, the dataclasses of smaudit's documents, from `smaudit schema`.

The schema is what the tool writes, so a key that is added or changed there cannot be missed here: the result is
committed, and `--check` (in CI) says when it is not what this script would write.

    python python/generate.py [--check] [SMAUDIT]

`SMAUDIT` is the binary to ask; without it the one that the package finds.
"""

from __future__ import annotations

import argparse
import difflib
import json
import keyword
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TARGET = HERE / "smaudit" / "_report.py"

#: The documents that Python reads, by their name for `smaudit schema`: the class, and what is written by hand of it.
DOCUMENTS = {"report": ("Report", "OfReport"), "slim": ("SlimReport", "OfSlim"), "diff": ("Diff", "OfDiff")}

#: Parts of documents of which something is written by hand.
BASES = {"ModelReport": "OfModel"}

HEADER = '''\
"""What smaudit reports, as frozen dataclasses. Made by `python/generate.py` from `smaudit schema`: not for editing.

Sizes are integers of bytes. A key that only a newer smaudit writes is kept as an attribute without a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import {typing}

from smaudit._records import {bases}

'''


class Schema:
    """The definitions of one document, and what Python calls them."""

    def __init__(self, document: dict[str, Any], name: str, base: str) -> None:
        """Takes the schema of a document whose top is to be the class `name`, based on `base`."""
        self.definitions: dict[str, dict[str, Any]] = {name: document, **document.get("$defs", {})}
        self.top = name
        self.base = base

    def kind(self, schema: Any) -> tuple[str, str, str | None]:
        """The annotation of a value, how it is decoded (`""`, `one`, `many`, `map`), and by which class."""
        if schema is True or schema == {}:
            return "Any", "", None
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            name = self.top if name == "#" else name
            return (name, "", None) if literals(self.definitions[name]) else (name, "one", name)
        if "anyOf" in schema:
            kinds = [self.kind(each) for each in schema["anyOf"] if each.get("type") != "null"]
            if len(kinds) != 1:
                raise NotImplementedError(f"a choice of types: {schema}")
            return f"{kinds[0][0]} | None", *kinds[0][1:]
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = [self.kind({**schema, "type": each}) for each in kind if each != "null"]
            if len(kinds) != 1:
                raise NotImplementedError(f"a choice of types: {schema}")
            return f"{kinds[0][0]} | None", *kinds[0][1:]
        if kind == "array":
            inner, shape, part = self.kind(schema["items"])
            if shape not in ("", "one"):
                return f"tuple[{inner}, ...]", "", None
            return f"tuple[{inner}, ...]", "many", part
        if kind == "object":
            inner, shape, part = self.kind(schema.get("additionalProperties", True))
            return f"Mapping[str, {inner}]", "map" if shape == "one" else "", part
        plain = {"integer": "int", "number": "float", "string": "str", "boolean": "bool"}
        if kind in plain:
            return plain[kind], "", None
        raise NotImplementedError(f"no type of Python for {schema}")

    def written(self, name: str) -> str:
        """The definition `name` in Python."""
        schema = self.definitions[name]
        told = sentence(schema.get("description", schema.get("title", name)))
        if choices := literals(schema):
            options = ", ".join(json.dumps(choice) for choice, _ in choices)
            lines = [f"{json.dumps(choice)}," for choice, _ in choices]
            head = f"{name} = Literal[{options}]"
            if len(head) > 120:
                head = "\n".join([f"{name} = Literal[", *(f"    {line}" for line in lines), "]"])
            meaning = "".join(f"\n- `{choice}`: {text}" for choice, text in choices if text)
            return head + "\n" + docstring(told + ("\n" + meaning if meaning else ""), "")
        required = schema.get("required", [])
        fields = [*required, *(key for key in schema.get("properties", {}) if key not in required)]
        base = self.base if name == self.top else BASES.get(name, "Record")
        # What is written by hand has a short form of its own: a whole report in a prompt is a wall of text.
        lines = ["@dataclass(frozen=True)" if base == "Record" else "@dataclass(frozen=True, repr=False)"]
        lines += [f"class {name}({base}):", docstring(told, "    ")]
        parts = []
        for key in fields:
            value = schema["properties"][key]
            annotation, shape, part = self.kind(value)
            attribute = f"{key}_" if keyword.iskeyword(key) else key
            default = ""
            if key not in required:
                default = " = ()" if shape == "many" else " = None"
                if shape != "many" and not annotation.endswith("None"):
                    annotation += " | None"
            lines += ["", f"    {attribute}: {annotation}{default}"]
            if "description" in value:
                lines.append(docstring(sentence(value["description"]), "    "))
            if shape:
                parts.append(f'        "{attribute}": ("{shape}", {json.dumps(part) if part else None}),')
        if parts:
            lines += [
                "",
                "    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {",
                *parts,
                "    }",
            ]
        return "\n".join(lines) + "\n"


def literals(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """The strings that a definition is one of, with what each means; none where it is something else."""
    if "enum" in schema:
        return [(choice, "") for choice in schema["enum"]]
    found: list[tuple[str, str]] = []
    for each in schema.get("oneOf", []):
        if "const" in each:
            found.append((each["const"], " ".join(each.get("description", "").split())))
        else:
            found += literals(each)
    return found


def sentence(text: str) -> str:
    """A description without the links that are Rust's, and with a full stop."""
    text = text.replace("[`", "`").replace("`]", "`").replace("\\", "\\\\").strip()
    text = re.sub(r"(?<!\n)\n(?!\n|- )", " ", text)
    return text if text.endswith((".", ":", "`")) else text + "."


def docstring(text: str, indent: str) -> str:
    """A docstring of lines of at most 120 characters."""
    paragraphs = text.split("\n")
    if len(paragraphs) == 1 and len(indent) + len(text) + 6 <= 120:
        return f'{indent}"""{text}"""'
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        first = '"""' if number == 0 else ""
        more = "  " if paragraph.startswith("- ") else ""
        width = 120 - len(indent)
        lines += textwrap.wrap(first + paragraph, width, subsequent_indent=more) or [""]
    return "\n".join(f"{indent}{line}".rstrip() for line in [*lines, '"""'])


def generated(ask: list[str]) -> str:
    """The module, from the schemas of those documents that the binary knows."""
    parts: dict[str, str] = {}
    tops: list[str] = []
    bases = {"Record"}
    listed = subprocess.run([*ask, "schema", "--help"], capture_output=True, text=True, check=True).stdout
    for document, (name, base) in DOCUMENTS.items():
        if f"- {document}:" not in listed:
            continue
        run = subprocess.run([*ask, "schema", document], capture_output=True, text=True, check=True)
        schema = Schema(json.loads(run.stdout), name, base)
        tops.append(name)
        bases.add(base)
        for each in schema.definitions:
            bases.add(BASES.get(each, "Record"))
            text = schema.written(each)
            if parts.setdefault(each, text) != text:
                raise NotImplementedError(f"two documents mean different things by {each}")
    # A class may be used above its own line, but an alias may not be read before it is there: aliases first.
    order = sorted(parts, key=lambda each: (not parts[each].startswith(f"{each} ="), each in tops, each))
    names = "\n".join(f'    "{each}",' for each in sorted(parts))
    used = [
        each
        for each in ("Any", "ClassVar", "Literal")
        if re.search(rf"^(    \w+:|\w+ =) .*\b{each}\b", "\n".join(parts.values()), re.M)
    ]
    text = HEADER.format(bases=", ".join(sorted(bases)), typing=", ".join(used)) + f"__all__ = [\n{names}\n]\n"
    for before, each in zip([None, *order], order, strict=False):
        alias = parts[each].startswith(f"{each} =")
        text += ("\n" if alias and before else "\n\n") + parts[each].rstrip("\n") + "\n"
    return text


def main() -> int:
    """Writes the module, or says how it would differ."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="write nothing, and fail where it would differ")
    arguments.add_argument("binary", nargs="?", help="the smaudit to ask")
    given = arguments.parse_args()
    ask = [given.binary] if given.binary else [sys.executable, "-m", "smaudit"]
    new = generated(ask)
    old = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    if not given.check:
        TARGET.write_text(new, encoding="utf-8")
    elif new != old:
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), new.splitlines(True), "committed", "generated")
        )
        print("python/smaudit/_report.py is not what python/generate.py writes: run it and commit")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
