"""The commands of the command line, one file each: options, a call, an exit code."""
