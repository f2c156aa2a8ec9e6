"""The format of a store: frames of one node as Parquet files, with columns that are constant left out.

::

    parts, series --> part_file --> constants    which columns need no decoding
                                --> frame        what was read
                                --> findings     what could not be

The entry points are ``parts`` for a day of a node, and ``series`` for one field over time.
"""
