"""The shop as JSON, below /api/: for programs, as `views` is for people.

An operation parses what it got, calls one function of another room, and answers. `v1`
puts the operations together: `products` has those of one product, `searching` those of
the catalogue, `instantsearch` those for Algolia's front ends, `writing` and `batches`
those that store products; `bodies` receives what a batch sends. `questions` says what
can be asked, `schemas` what the answers look like, `answers` writes them, and `cursors`
lead from page to page. `access` says who may do what, `limits` how much may be asked
for, `conditions` reads If-Match, `problems` turns what goes wrong into problem
documents, `english` keeps the language, and `openapi` describes it all. `urls` has the
addresses, and `views` answers at those that are no operations: the page about the API
is one.
"""
