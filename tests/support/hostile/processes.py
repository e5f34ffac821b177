"""What processes take: read from Linux, of this one or another (proc(5))."""

from pathlib import Path

MIB = 1_048_576


def read_memory(name: str, pid: int | str = "self") -> int:
    """Bytes of a line of a process's status: ``VmRSS``, ``VmHWM`` (the most it had), ``VmSize``."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def begin_peak_anew() -> None:
    """Let the most memory of this process be what it has now."""
    Path("/proc/self/clear_refs").write_text("5")
