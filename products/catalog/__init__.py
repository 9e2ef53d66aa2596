"""The catalogue as files: products are read from a file, and written to one.

The steps of an import, in order; each can be used alone:
1. `source` opens a file, `records` reads it (`tables` or `json_records`), `rows` checks
   what was read. `presets` makes products of the rows of other shops' exports, and
   `notices` counts what is said about the file at the end.
2. `changes` compares the rows with the catalogue.
3. `writing` stores them, `embedding` makes their vectors afterwards.
`importing` puts the steps together, for the command and for the browser. It is helped
by `ahead` (a thread that reads the next rows), `bulk` (the vector index meanwhile) and
`rejects` (the file of refused rows). `untidy` finds stored texts that an import would
write differently. `exporting` writes the products out.
"""
