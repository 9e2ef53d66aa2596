"""The commands, and what they share.

`base` is the base of all commands: --database, --json, progress bars, and errors that
become a CommandError with advice. `searching` is the base of `search` and `similar`,
`import_report` shows an import on a terminal. Each command in `commands` reads its
options, calls one function of another room, and writes what came of it.
"""
