"""How much of the machine's memory a new server is given."""

from __future__ import annotations

from pathlib import Path

MB = 2**20

# The limits of a container, by the version of its control groups; "max" means none. See
# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_settings(total: int | None = None) -> dict[str, str]:
    """Return PostgreSQL's settings for *total* bytes of memory, by default all here.

    Its own cache gets a quarter, as its manual advises, at most 8 GB: what it does not
    use stays free, and the system caches the rest. The building of an index gets an
    eighth, at most 4 GB: an HNSW index that does not fit, with 2.6 kB for each product,
    is built many times slower. See
    https://www.postgresql.org/docs/current/runtime-config-resource.html
    """
    total = total or machine_memory()
    sizes = {
        "shared_buffers": min(max(total // 4, 128 * MB), 8192 * MB),
        "effective_cache_size": max(total // 2, 256 * MB),
        "maintenance_work_mem": min(max(total // 8, 64 * MB), 4096 * MB),
    }
    return {name: f"{size // MB}MB" for name, size in sizes.items()}


def machine_memory() -> int:
    """Return the bytes of memory that this machine, or container, has."""
    import psutil

    total: int = psutil.virtual_memory().total
    limits = [path.read_text().strip() for path in LIMITS if path.exists()]
    return min([total, *(int(limit) for limit in limits if limit.isdigit())])
