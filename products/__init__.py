"""The shop: products, their embeddings, and the search over them."""
