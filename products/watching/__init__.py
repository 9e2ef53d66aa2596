"""How the shop is doing, for whoever runs it.

`health` says whether a process can take requests, and `probes` answers that without the
rest of the shop. `figures` are the eight that an operator looks at first, made of what
`statistics` reads of the database and `metrics` of the web processes; `history` keeps
them by the hour. `recording` counts what searches and pages do, for Prometheus, and
`scrape` puts all of it on one page. `recall_samples` asks one search in many again.
`search_lines` gives the line that a request has in the log what its search did. The
worker calls `rounds` every ten minutes.

    from products.watching.figures import figures
"""

# prometheus_client learns where to count when it is first imported.
from products.watching import folder as folder
