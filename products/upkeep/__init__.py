"""Keeps the vectors and their index right while the shop serves.

`pending` embeds the products that need it, and `worker` does so until it is stopped.
A change of the model takes four steps:
1. `second_column` adds a column for the new vectors.
2. `pending` fills it.
3. `vector_index` builds its index.
4. `switching` exchanges the two columns.

`language` makes the words of all products anew in another language. `unused_pictures`
finds the files of pictures that no product shows. `rewriting` lets a migration write all
products anew. `shards` spreads the products over a Citus cluster, and `shard_faults` says
what is wrong with them there.

The doors: embed_pending(), build_index(), begin(), switch(), roll_back(),
change_language().
"""
