"""S3: a part loop over the user's boto3 client, and hooks in the user's own clients."""

from gpurules.clients.s3.client import S3, S3Kind
from gpurules.clients.s3.hooks import Aiobotocore, AiobotocoreKind, Boto3, Boto3Kind

__all__ = ["S3", "Aiobotocore", "AiobotocoreKind", "Boto3", "Boto3Kind", "S3Kind"]
