"""S3: a part loop over the user's boto3 client, and hooks in the user's own clients.

::

    client   S3: downloads, uploads, open files --> objects --> answers, arguments
    hooks    Boto3, Aiobotocore --> calls        each call waits for the governor
                                --> transfers    the order and pace of a TransferManager

The entry points are ``S3`` for new code, and ``Boto3`` and ``Aiobotocore`` for code that has clients already.
"""

from gpurules.clients.s3.client import S3, S3Kind
from gpurules.clients.s3.hooks import Aiobotocore, AiobotocoreKind, Boto3, Boto3Kind

__all__ = ["S3", "Aiobotocore", "AiobotocoreKind", "Boto3", "Boto3Kind", "S3Kind"]
