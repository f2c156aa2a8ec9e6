"""One file for each effect that ships, and what effects share.

::

    event -> messages           its texts and its JSON, filled in by templates
          -> posting            one HTTP request, bounded in time (time_limit) and size
             -> addresses       which addresses may be asked
    parameters                  what several effects take; secrets, which rules only name
    delivery                    how an attempt ends: refused, or to be repeated; what the queues of the engine record
"""
