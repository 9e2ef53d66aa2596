"""The search log: what visitors searched for, what they saw and what they opened.

Into the log: `noting` notes a search or a click of a request, `visitors` makes a key of
who sent it, `writing` writes both from a thread, and `half_typed` makes one search of
those that were typed letter by letter. `keeping` forgets.
Out of it, for a `period`: `frequent` says which searches are the most frequent and which
find nothing, `positions` how often each place is opened, `reformulations` which searches
were given up for others; `ubi` writes the log for other tools.

The doors: note_search() and note_click() for pages, frequent_queries() for reports, and
what the commands trim_search_log and export_search_log call.
"""
