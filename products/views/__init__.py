"""The shop's pages, a module for each kind; products/urls.py names them all.

`catalogue` shows the list with its search, which `narrowing` offers to filter, `product`
a product, `comparing` up to four; `completing` and `typeahead` offer what a half typed
text may become. `pictures` serves uploaded pictures, `sitemap` and `canonical` are for
search engines. `adding` writes products, and `next_page` leads back afterwards;
`samples` loads and removes sets of them; `lab` is a tour for those who learn;
`similar` shows the figures of similar products;
`explaining` says why a product is in the results; `judging` is for the staff; `map`
draws the catalogue. `busy` answers who has no turn. A view parses, calls one function of another room, and renders.
"""
