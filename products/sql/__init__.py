"""What Django's ORM lacks for this shop; knows no product.

`expressions` has the pieces of SQL that querysets and models are made of, `prepared`
the queries that are written once and planned once a connection, `statements` the rows
of a plain statement, `watch` what ran and how PostgreSQL read the rows, `locks` a lock
that gives way to readers and tries again, `own_session` a session behind a pooler,
`pgvector_version` which pgvector there is.

The doors: Prepared.of(rows).rows(values), rows(sql, params), recorded(), explained().
"""
