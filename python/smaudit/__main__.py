"""`python -m smaudit`: the command, with the arguments as they are."""

from __future__ import annotations

import os
import sys

from smaudit._find import find_binary


def main() -> int:
    """Runs the binary in the place of this process, or where that cannot be, waits for it."""
    command = [find_binary(), *sys.argv[1:]]
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606
    import subprocess

    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # The binary gets it too, and ends by itself.
                continue


if __name__ == "__main__":
    sys.exit(main())
