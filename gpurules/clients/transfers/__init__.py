"""Downloads, uploads and open objects of every client that has a part loop of its own.

::

    arguments --> object_transfers --+--> download --> verification --> file
                                     +--> upload (upload_journal) --> object, whole or not there
                                     +--> streams, object_reader   without a file

Entry point: :class:`gpurules.clients.transfers.object_transfers.ObjectTransfers`.
"""
