"""The operator's command line `duologue`: `__main__.py`, with one module per command group (sp, app, prompt)."""
