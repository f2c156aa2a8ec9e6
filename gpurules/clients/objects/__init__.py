"""What the part loop needs of an object store: the protocols and errors of a store, checksums, and a speed watchdog.

::

    S3, obstore, any fsspec filesystem --> store (StoredObject, WritableObject) --> part loop
                                             |
                                             +-- checksums   per piece, combined to that of the object
                                             +-- watchdog    cuts connections that trickle

Entry point: :class:`gpurules.clients.objects.store.StoredObject`.
"""
