"""The catalogue as files: read, check, plan and write products, and write them out.

The steps, each usable alone: `source` opens a file, `records` reads it, `rows` checks
what was read, `planning` compares it with the catalogue, `writing` stores it.
`importing` puts them together, for the command and for the browser.
"""
