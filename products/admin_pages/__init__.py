"""What Django's admin offers beyond its lists; products/admin.py names the pages.

`import_page` imports a file in three steps: `import_form` takes it, `upload` keeps it
until the preview is confirmed. `embeddings` shows the states and embeds some products,
`reports` lists near duplicates and odd categories, `actions` has the list's actions,
`log` says in the admin's log what an import did, `overview` has what the start page
shows. `synonyms` has the pages of the
synonyms, `synonym_form` their forms.
"""
