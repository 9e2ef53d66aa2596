"""Keeps the vectors and their index right while the shop serves.

`pending` embeds the products that need it, and `worker` does so until it is stopped.
A change of the model takes these steps: `second_column` adds a column, `pending` fills
it, `vector_index` builds its index, `switching` exchanges the two columns.
"""
