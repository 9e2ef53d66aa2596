"""The search log: what visitors searched for, what they saw and what they opened.

`noting` notes a search or a click of a request, of whom `visitors` makes a key; `writing`
writes both from a thread, and `half_typed` makes one search of those that were typed
letter by letter. `keeping` forgets. The reports read a `period`: `frequent` says which searches are the
most frequent and which find nothing, `positions` how often each place is opened.

The doors: note_search() and note_click() for pages, frequent_queries() for reports, and
what the command trim_search_log calls.
"""
