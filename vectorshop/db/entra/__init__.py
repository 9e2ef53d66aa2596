"""ENGINE "vectorshop.db.entra": a fresh Entra token for every physical connection.

With a PASSWORD it is Django's own PostgreSQL backend.
"""
