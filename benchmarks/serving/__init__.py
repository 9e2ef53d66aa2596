"""The parts of bench_serving.py, which sets up Django before it imports them."""
