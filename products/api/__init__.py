"""The shop as JSON, below /api/: for programs, as `views` is for people.

An operation parses what it got, calls one function of another room, and answers. `v1`
puts the operations together, `products` has those of one product, `schemas` says what
the answers look like. `access` says who may do what, `problems` turns what goes wrong
into problem documents, `openapi` writes the description of it all, and `urls` has the
addresses.
"""
