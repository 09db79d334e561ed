"""Run a command that must not outlive its parent: `tether.py PARENT_PID SIGNAL UID COMMAND...`.

A supervisor that is killed with SIGKILL cannot stop its children; the kernel can. This program
asks it to (PR_SET_PDEATHSIG), gives up root when UID is not `-`, and becomes the command. It is
a program of its own, imports almost nothing and is started with `python -I -S`, because code
between fork and exec is unsafe in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    parent, name, uid, *command = argv
    if uid != "-":
        _become(int(uid))
    _die_with_parent(signal.Signals[name], int(parent))
    os.execvp(command[0], command)  # noqa: S606 - becoming the command is this program's purpose


def _become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def _die_with_parent(number: int, parent: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit("the supervisor is gone")


if __name__ == "__main__":
    main(sys.argv[1:])
