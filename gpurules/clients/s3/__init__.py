"""S3 by a part loop of its own, through a boto3 client that the user has made."""

from gpurules.clients.s3.client import S3, S3Kind

__all__ = ["S3", "S3Kind"]
