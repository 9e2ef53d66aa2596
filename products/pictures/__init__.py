"""The picture of a product: what its column `image` says (`reference`, `elsewhere`)."""
