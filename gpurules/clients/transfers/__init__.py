"""Downloads, uploads and open objects of all clients with a part loop.

::

    arguments --> object_transfers --+--> download --> verification --> file
                                     +--> upload (upload_journal) --> object, whole or not there
                                     +--> streams, object_reader   without a file

Entry point: :class:`gpurules.clients.transfers.object_transfers.ObjectTransfers`.
"""
