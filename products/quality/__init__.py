"""How good the search is, measured.

Answers: `judged` reads which products people judged relevant, `clicks` judges by what
visitors opened, `evaluation` asks the judged queries, `measures` has nDCG and recall as
functions of numbers, `agreement` compares two models, `impact` says which searches a
change would change and asks `future`, the catalogue as the change would leave it, and
`relevance` asks what a shop wrote down that its search must find.
The index: `recall` says how many of the true neighbours a look-up finds, `tuning`
measures that over ef_search, `recall_plot` draws it. `calibration` measures the floor
below which nothing is a match, `weights` fits those of the hybrid score to judgements.
`steps` measures a part at a time, for those who wait for a page; `live` measures the
index within one request, for the lab, of products that `sampling` chooses.

The doors: evaluate(), tune(), calibrate(), which the commands evaluate_search,
tune_search and calibrate call; read_expectations() and ask() for check_relevance;
evaluate_step() and tune_step() for the page.
"""
