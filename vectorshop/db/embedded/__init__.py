"""A Django database ENGINE: PostgreSQL with pgvector from a wheel, started on demand."""
