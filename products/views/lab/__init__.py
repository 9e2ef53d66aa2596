"""The lab: a tour of seven steps for those who learn how the search works.

`steps` names the steps, remembers which are done, and renders their pages; `learning`
has the pages of products and embeddings, `measuring` those that measure the index;
`forms` checks what they are asked.
"""
