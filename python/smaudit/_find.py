"""Finds the `smaudit` binary that belongs to this package.

pip lays scripts in other places for a virtual environment, `--user`, `--prefix` and `--target`, so each is looked at.
What is on `PATH` is not: it may be of another version, with other reports.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig

#: The environment variable that names the binary to use, whatever is installed.
VARIABLE = "SMAUDIT_BINARY"


@functools.cache
def _installed() -> str:
    name = "smaudit" + (sysconfig.get_config_var("EXE") or "")
    package = os.path.dirname(os.path.abspath(__file__))
    above = os.path.dirname(package)
    folders = [sysconfig.get_path("scripts")]
    # `--prefix`: <prefix>/lib/python3.x/site-packages beside <prefix>/bin, on Windows <prefix>/Lib/site-packages.
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    levels = (2,) if sys.platform == "win32" else (3,)
    for level in levels:
        root = above
        for _ in range(level):
            root = os.path.dirname(root)
        folders.append(os.path.join(root, scripts))
    # `--target`: <target>/bin, beside the package.
    folders.append(os.path.join(above, "bin"))
    folders.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    # A checkout of smaudit whose `python` folder is on the path, and that cargo has built.
    if os.path.exists(os.path.join(os.path.dirname(above), "Cargo.toml")):
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(os.path.dirname(above), "target"))
        folders += [os.path.join(target, profile) for profile in ("release", "debug")]
    seen = list(dict.fromkeys(folders))
    for folder in seen:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    places = "".join(f"\n  {folder}" for folder in seen)
    raise FileNotFoundError(
        f"the smaudit binary is not installed; looked in{places}\n"
        f"Install the wheel (`pip install smaudit`), or name the binary with {VARIABLE}."
    )


def find_binary() -> str:
    """The path of the `smaudit` binary that this package runs.

    `SMAUDIT_BINARY`, where it is set, names it; otherwise it is what was installed with the package: in the scripts
    folder of the environment, of `--prefix`, of `--target` or of the user, or what cargo built in the checkout.

    Raises:
        FileNotFoundError: none of these has it; the message lists where it was looked for.
    """
    return os.environ.get(VARIABLE) or _installed()
