"""The search as InstantSearch asks for it, Algolia's front ends for the web and phones.

`asked` is what comes: several requests in one POST. `filters` reads their filters,
`searches` does each search of them once, `answers` makes the answers, `marks` puts tags
around the words that were found, and `operation` is the address.

See https://www.algolia.com/doc/guides/building-search-ui/going-further/backend-search/
"""
