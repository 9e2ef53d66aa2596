"""The shop. Its rooms, from the doors down to the ground; imports point downwards.

management, admin, urls      the doors: commands, Django's admin, addresses
admin_pages, views           pages; templating, forms: what they are made of
catalog, quality, insight    files of products, measurements, what the vectors show
search_log                   what visitors searched for and opened
search, upkeep               from a question to results; vectors and index kept right
recipes, samples, permissions
models, querysets            the tables and the language to ask them in
sql, embeddings              what the ORM lacks; texts to vectors

docs/architecture.md shows the way of a question and of a vector through them.
"""
