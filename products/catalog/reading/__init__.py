"""From a file to records: what stands in each line, before anything is checked.

`source` opens a file, `tables` reads CSV and TSV, `json_records` JSON and JSON Lines;
`records` chooses between them. `presets` makes products of what other shops export,
`notices` counts what is taken but said. A `record` is one of them, or its refusal.

The doors: open_source() and read_records().
"""
