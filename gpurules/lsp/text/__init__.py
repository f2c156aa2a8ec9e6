"""Open documents, and the syntax at a position of one.

::

    edits of the editor --> documents --> tolerant_yaml --> cursor --> structure (which schema holds there)
                               |                              |
                            positions                      outline

Entry point: :class:`gpurules.lsp.text.documents.Documents`.
"""
