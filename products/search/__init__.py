"""From a question to one page of results.

The steps, in their order: `operators` takes -words and "phrases" out of a text,
`question` checks what is asked, `query_vector` turns it into a vector, `words` reads its
words and how common they are (`on_shards` where a cluster has the products), `synonyms`
adds what the staff says may stand for them in its `synonym_entries`, `word_matches`
chooses products with a word, `nearest` looks the nearest up, by the index or an exact
scan, each with the `evidence` for its products. `accessories` tells a thing from its
accessories, `scores` adds up what speaks for each, `rank` puts all of that together in
eight steps, `second_look` corrects a mistyped text by `spelling` and `vocabulary` and
ranks again, `sorting` puts the best in another order, `facets` counts categories,
`written_words` finds the words of a query as texts write them, and `answer` makes the
page that `results` describes. `nearness` says in words how near a product is. Apart from
these, `completions` offers what a half typed text may become, and `signals` tells
whoever watches what a search did.

    from products.search import Filters, search
"""

from products.search.answer import search, similar_to
from products.search.question import PAGE_SIZE, Filters, Mode, SearchError, Sort
from products.search.results import Hit, Results

__all__ = [
    "PAGE_SIZE",
    "Filters",
    "Hit",
    "Mode",
    "Results",
    "SearchError",
    "Sort",
    "search",
    "similar_to",
]
