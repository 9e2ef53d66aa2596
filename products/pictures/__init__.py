"""The picture of a product: what its column `image` says, and what a page shows.

`reference` reads and checks the column, `uploads` makes a reference of a file that
somebody chose, `shown` turns one into an address for a page, and `drawn` draws a quiet
picture for a product that has none. The server never fetches a picture from elsewhere.
"""
