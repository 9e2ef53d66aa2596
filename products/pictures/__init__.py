"""The picture of a product: what its column `image` says, and what a page shows.

`reference` reads and checks the column, and `elsewhere` counts addresses that no page
shows. `uploads` makes a reference of a file that somebody chose, in a form with the
fields of `form`. `shown` turns a reference into an address for a page, and `drawn` draws
a quiet picture for a product that has none. The server never fetches a picture from
elsewhere.
"""
