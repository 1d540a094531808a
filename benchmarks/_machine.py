"""The facts of the machine that figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def facts(*packages: str) -> dict[str, str]:
    """Give them, with the versions of packages."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "processes waiting for it meanwhile": f"{os.getloadavg()[1]:.1f}",
        "Python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _processor() -> str:
    return _line("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()


def _memory() -> str:
    total = _line("/proc/meminfo", "MemTotal")
    return f"{int(total.split()[0]) / 1024**2:.0f} GiB" if total else "unknown"


def _line(path: str, begin: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(begin)), "")
