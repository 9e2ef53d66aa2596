"""From a question to one page of results.

The steps, in their order: `question` checks what is asked, `query_vector` turns it
into a vector, `words` reads its words and how common they are, `word_matches` chooses
products with a word, `nearest` looks the nearest up, by the index or an exact scan,
`scores` adds up what speaks for each, `rank` puts all of that together, `facets`
counts categories, and `answer` makes the page that `results` describes.

    from products.search.answer import Filters, search
"""
