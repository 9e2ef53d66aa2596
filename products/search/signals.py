"""What a search tells whoever watches; without receivers a signal costs next to nothing.

`searched` is sent after each search with its `question`, its `results` and the `seconds`
that it took; `embedded` after texts of queries got their vectors, with how many were
`cached` and how many the model `made`. A receiver that fails is logged, and the page is
served all the same.
"""

from __future__ import annotations

from django.dispatch import Signal

searched = Signal(use_caching=True)
embedded = Signal(use_caching=True)
