"""The hook for pre-commit: `python -m smaudit.hook [LIMITS] FILE...` checks the models that files belong to.

A file's model is the nearest folder above it with a `saved_model.pb`, `.pbtxt` or `.cpb`. A model with files that Git
LFS has not fetched cannot be audited, but its size is known, as each pointer has a line with it: `--max-size` is held
against that, and what cannot be judged is said.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence

from smaudit._find import find_binary
from smaudit._html import size

MAIN_FILES = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
UNITS = {unit: 1000**power for power, unit in enumerate(("", "kB", "MB", "GB", "TB", "PB"))}
UNITS |= {unit: 1024**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))}
#: The options of `smaudit` that a hook may have.
OPTIONS = ("max-avoidable", "max-duplication", "baseline", "max-growth", "config")


def models_of(files: Sequence[str]) -> list[str]:
    """The folders of the models that files belong to, each once, in the order of the files."""
    found: dict[str, None] = {}
    for file in files:
        folder = os.path.dirname(file)
        while True:
            if any(os.path.isfile(os.path.join(folder, name)) for name in MAIN_FILES):
                found[folder or os.curdir] = None
                break
            above = os.path.dirname(folder)
            if above == folder:
                break
            folder = above
    return list(found)


def pointed_size(path: str) -> int | None:
    """The size that a Git LFS pointer names, in bytes; None for a file that is no pointer."""
    if os.path.getsize(path) > 1024:
        return None
    with open(path, "rb") as file:
        text = file.read(1024)
    if not text.startswith(b"version https://git-lfs.github.com/spec/"):
        return None
    line = re.search(rb"^size (\d{1,19})$", text, re.MULTILINE)
    return int(line[1]) if line else None


def sizes_of(model: str) -> tuple[int, int]:
    """The bytes of a model as they are once fetched, and how many of its files are pointers."""
    total = pointers = 0
    for folder, _, names in os.walk(model):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            pointed = pointed_size(path)
            pointers += pointed is not None
            total += os.path.getsize(path) if pointed is None else pointed
    return total, pointers


def limit_in_bytes(limit: str) -> int | None:
    """A limit of a model's size in bytes; None for one of a category, which a pointer does not tell."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", limit)
    if not match or match[2] not in UNITS:
        return None
    return int(float(match[1]) * UNITS[match[2]])


def _of_pointers(model: str, given: argparse.Namespace) -> int:
    total, _ = sizes_of(model)
    code = 0
    unjudged = [f"--{option}" for option in OPTIONS if getattr(given, option.replace("-", "_")) is not None]
    for limit in given.max_size:
        most = limit_in_bytes(limit)
        if most is None:
            unjudged.append(f"--max-size {limit}")
        elif total > most:
            print(f"smaudit: FAIL: {model}: at most {limit}; its Git LFS pointers say {size(total)} ({total:,} bytes)")
            code = 1
    if unjudged:
        print(f"smaudit: {model}: {', '.join(unjudged)} not judged, as Git LFS has not fetched it (`git lfs pull`)")
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks the models, and ends with the exit code of `smaudit`, or 1 where a pointer is too large."""
    parser = argparse.ArgumentParser(prog="python -m smaudit.hook", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--max-size", action="append", default=[], metavar="[CATEGORY=]LIMIT")
    for option in OPTIONS:
        parser.add_argument(f"--{option}")
    parser.add_argument("files", nargs="*")
    given = parser.parse_args(arguments)
    code, whole = 0, []
    for model in models_of(given.files):
        if sizes_of(model)[1]:
            code = max(code, _of_pointers(model, given))
        else:
            whole.append(model)
    if whole:
        command = [find_binary(), "--quiet", *(f"--max-size={limit}" for limit in given.max_size)]
        for option in OPTIONS:
            value = getattr(given, option.replace("-", "_"))
            command += [] if value is None else [f"--{option}={value}"]
        sys.stdout.flush()
        code = max(code, subprocess.run([*command, "--", *whole], check=False).returncode)
    return code


if __name__ == "__main__":
    sys.exit(main())
