"""Names in open documents: symbols, occurrences, and the files that share them.

::

    document --> scope --> occurrences --> references (definition, uses, rename) <-- workspace_index
                   |
                descriptions   a name as Markdown

Entry point: :func:`gpurules.lsp.names.scope.scope_of`.
"""
