"""docs/openapi.yaml, written from the product's own code.

`operations` says which request belongs to which path, with its refusals; `answers` turns refusals into responses, from
the table of results; `shapes` makes schemas of the request models and of what the encoders write about the calls of
`samples`; `words` describes the fields; `document` puts all together. `page` renders the written file for people.
"""
