"""One file for each effect that ships, and what effects share.

::

    event -> notification/messages     its texts and its JSON, filled in by templates
          -> transport/posting         one HTTP request, bounded in time (time_limit) and size
             -> transport/addresses    which addresses may be asked
    notification/parameters   what several effects take; secrets, which rules only name
    notification/delivery     how an attempt ends: refused, or to be repeated; what the queues of the engine record
"""
