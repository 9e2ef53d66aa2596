"""How the shop is doing, for whoever runs it.

`health` says whether a process can take requests, and `probes` answers that without the
rest of the shop. `figures` are the eight that an operator looks at first, made of what
`statistics` reads of the database and `counts` of the web processes; `history` keeps
them by the hour. `recording` notes what searches and pages do, as `records`; `counting`
counts them, and `request_lines` writes a line of each into the log. `metrics` names what is
counted, the files of the counts are in `folder`, and `scrape` puts all of it on one page
for Prometheus. `recall_samples` asks one search in many again, and `tracing` makes spans of
requests. The worker calls `rounds` every ten minutes.

    from products.watching.figures import figures
"""

# prometheus_client learns where to count when it is first imported.
from products.watching import folder as folder
