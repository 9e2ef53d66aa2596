"""The catalogue as files: products are read from a file, and written to one.

The steps of an import, in order; each can be used alone:
1. `reading` turns a file into records, also those of other shops' exports.
2. `checking` makes rows of the records, and refuses what is wrong with a reason.
3. `changes` compares the rows with the catalogue.
4. `writing` stores them, `embedding_rows` makes their vectors afterwards.
`one_product` writes a single product by the same checks, for the API.
`importing` puts the steps together, for the command and for the browser. It is helped
by `ahead` (a thread that reads the next rows), `bulk` (the vector index meanwhile) and
`rejects_file` (the file of refused rows). `impact` says what an import would do to
searches. `untidy` finds stored texts that an import would write differently.
`exporting` writes the products out, and `feeds` writes them for marketplaces and agents.
`synonym_files` reads and writes the synonyms.
"""
