"""Database backends: `embedded` on a laptop, `entra` on Azure."""
