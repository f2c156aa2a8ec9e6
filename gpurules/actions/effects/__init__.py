"""One file for each effect that ships, and what effects share.

::

    event -> templates          the text of a message, filled in from the event
          -> posting            one HTTP request, bounded in time and size
             -> addresses       which addresses may be asked
    delivery                    how an attempt ends: refused, or to be repeated; what the queues of the engine record
"""
