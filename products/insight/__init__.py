"""What the vectors show besides search results.

`explanation` says how a page of results came about: `sentence` in words, `as_sql` and
`as_code` in what can be run. `why_not` finds what keeps a product out: `gates` are the
conditions, `ways` leads through those of a ranking.
`comparison` explains a result: which part of a text matters, what the index missed.
`map` draws the catalogue in two dimensions: `sampling` chooses the products, `plane`
finds their places, or `projections` has stored them, and `clusters` names groups.
`reports` finds near duplicates and odd categories, `preview` shows what a product that
is not saved yet would stand next to. `before_after` searches with and without a synonym,
`neighbour_words` finds words that may be synonyms. For the lab: `strips` shows embeddings
as strips of colour, `spread` counts the distances of a catalogue, `added` compares a list
before and after a product was added.

The doors: explain(), why_not(), parts_of(), compare_with_exact(), catalogue_map(),
project(), near_duplicates(), odd_categories(), neighbours_of(), before_after.preview(),
suggestions(), pair_of(), catalogue_spread(), added.before_after().
"""
