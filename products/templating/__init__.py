"""The shop's Jinja2 templates: the environment, and what they call.

`environment` makes the Jinja2 environment of a language, `compiler` puts what is the
same on every page into the compiled template, `filters` says how pages show numbers,
prices, addresses and SQL. The settings name the door: `environment.Environments`.
"""
