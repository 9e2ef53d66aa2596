"""The search log: what visitors searched for, what they saw and what they opened.

`frequent` says which searches are the most frequent.
"""
