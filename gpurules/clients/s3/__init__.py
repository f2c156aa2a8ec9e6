"""S3 by a part loop of its own, through a boto3 client that the user has made, and hooks in clients of the user."""

from gpurules.clients.s3.client import S3, S3Kind
from gpurules.clients.s3.hooks import Aiobotocore, AiobotocoreKind, Boto3, Boto3Kind

__all__ = ["S3", "Aiobotocore", "AiobotocoreKind", "Boto3", "Boto3Kind", "S3Kind"]
