"""The shop's pages, a module for each kind; products/urls.py names them all.

`catalogue` shows the list with its search, and a product; `adding` writes products;
`samples` loads and removes sets of them; `lab` is a tour for those who learn;
`similar` shows the figures of similar products;
`explaining` says why a product is in the results; `judging` is for the staff; `map`
draws the catalogue; `typeahead` finds products while somebody types their name. A view
parses, calls one function of another room, and renders.
"""
