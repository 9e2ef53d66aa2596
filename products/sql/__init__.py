"""What Django's ORM lacks for this shop; knows no product.

`expressions` has the pieces of SQL that querysets and models are made of, `prepared`
the queries that are written and planned once, `statements` the rows of a statement,
`watch` what ran and what PostgreSQL did for it, `locks` a lock that gives way.
"""
