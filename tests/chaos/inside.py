"""``python -m tests.chaos.inside NAMESPACE SKEW_FILE COMMAND…``: run a program of a node.

Enters the network namespace (``-`` for none), sets the clock skew that the file names, if there is one, and
becomes the program.
"""

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWNET = 0x40000000


def main() -> None:
    namespace, skew_file, *command = sys.argv[1:]
    if namespace != "-":
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/var/run/netns", namespace).open("rb") as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns", namespace)
    if Path(skew_file).exists():
        os.environ["CLAIMS_CLOCK_SKEW_S"] = Path(skew_file).read_text("ascii")
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - our own interpreter, no shell


if __name__ == "__main__":
    main()
