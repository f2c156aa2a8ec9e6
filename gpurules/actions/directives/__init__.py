"""One file for each directive that ships: its parameters, and how the claims of several rules combine."""
