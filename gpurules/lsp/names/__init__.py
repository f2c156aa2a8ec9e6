"""Names in open texts: what they stand for, where they occur, and which files share them.

::

    document --> scope --> occurrences --> references (definition, uses, rename) <-- workspace_index
                   |
                descriptions   a name as Markdown

Entry point: :func:`gpurules.lsp.names.scope.scope_of`.
"""
