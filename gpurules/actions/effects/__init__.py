"""One file for each effect that ships, and what effects share.

::

    event -> templates          the text of a message, filled in from the event
          -> delivery           the queue, retries and signatures of what leaves the node
             -> addresses       which addresses may be asked
"""
