"""The wiring: settings, database backends, deployment. Knows nothing of products."""
