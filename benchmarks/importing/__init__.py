"""The parts of bench_import.py, which sets up Django before it imports them."""
