"""The codes of what loading, testing and configuring find, by what they are about. Lint checks have theirs."""
