"""Azure Database for PostgreSQL through the az CLI: what `manage.py azdeploy` does."""
