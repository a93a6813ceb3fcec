"""CPU time and memory of running processes and all their children, from the kernel's own accounts (Linux)."""

import os
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of a process and its descendants, ended children included."""
    try:
        # The command's name may hold blanks; the fields after it do not.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    except FileNotFoundError:
        return 0.0
    own = sum(int(ticks) for ticks in fields[11:15]) * _TICK_S
    return own + sum(cpu_seconds(int(child)) for child in children)


def memory_bytes(pid: int) -> int:
    """Return the memory of a process and its descendants; what several share is counted once."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return own + sum(memory_bytes(int(child)) for child in children)
