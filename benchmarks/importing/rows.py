"""Rows per second, against a bare COPY and against loaddata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from django.core.management import call_command
from django.db import connection

from importing.command import import_command
from importing.data import (
    base_vectors,
    binary_rows,
    write_csv,
    write_fixture,
)
from importing.measuring import (
    copy_rows,
    empty,
    import_rows,
    say,
    timed,
    verdict,
)


def bench_rows(folder: Path, rows: int, loaddata_rows: int, repeat: int) -> None:
    say(f"\nRows: {rows:,} with vectors")
    base = base_vectors()
    path = folder / "rows.csv"
    write_csv(path, rows, base)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE plain (sku text, name text, category text, description text, "
            "price numeric, embedding vector(384), embedding_fingerprint text, "
            "embedded_hash text)"
        )
    data = binary_rows(rows, base)
    plain, bare, ours = [], [], []
    for _ in range(repeat):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE plain")
        plain.append(timed(lambda: copy_rows("plain", data)))
        empty(index=False)
        bare.append(timed(lambda: copy_rows("products", data)))
        empty()
        ours.append(timed(lambda: import_rows(path)))
    empty()
    whole, _ = import_command(path)
    show_rates(rows, min(plain), min(bare), min(ours), whole)
    verdict("rows/s of import to bare COPY, same table", min(bare) / min(ours), 0.5)
    bench_loaddata(folder, base, loaddata_rows, path, rows, rows / whole)


def show_rates(rows: int, plain: float, bare: float, ours: float, whole: float) -> None:
    for name, seconds in (
        ("bare COPY, a table with no index and no generated column", plain),
        ("bare COPY, products without the HNSW index", bare),
        ("import_products from CSV, products without the HNSW index", ours),
        ("import_products from CSV, whole process, HNSW built after", whole),
    ):
        say(f"  {name:58} {rows / seconds:9,.0f} rows/s {seconds:8.1f} s")


def bench_loaddata(
    folder: Path,
    base: np.ndarray,
    rows: int,
    catalogue: Path,
    catalogue_rows: int,
    whole: float,
) -> None:
    """Compare with loaddata, which inserts into whatever indexes there are.

    It is measured on a part, in a catalogue that is empty: it only gets slower.
    """
    path = folder / "rows.json"
    write_fixture(path, rows, base)
    empty(index=False)
    without = rows / timed(lambda: call_command("loaddata", path, verbosity=0))
    empty()
    with_index = rows / timed(lambda: call_command("loaddata", path, verbosity=0))
    # Once more, next to it: a shared machine is not as fast at all times.
    empty()
    ours = catalogue_rows / timed(lambda: import_rows(catalogue))
    for name, rate in (("without", without), ("with", with_index)):
        say(
            f"  {f'loaddata, {rows:,} rows, {name} the HNSW index':58} {rate:9,.0f} rows/s"
        )
    verdict("import, rows stored, to loaddata as it runs", ours / with_index, 20)
    say(f"     both without the HNSW index: {ours / without:.1f}")
    say(f"     both to the complete HNSW index: {whole / with_index:.1f}")
