"""How good the search is, measured.

`judged` reads which products people judged relevant, `measures` has nDCG and recall as
functions of numbers, `evaluation` asks the judged queries, `agreement` compares two
models. `recall` says how many of the true neighbours an index finds, `tuning` measures
that over ef_search, `recall_plot` draws it, `calibration` measures the floor.
"""
