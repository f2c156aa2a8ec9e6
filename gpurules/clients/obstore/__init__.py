"""Object stores of many makers (S3, GCS, Azure, local folders, memory) by the part loop, through obstore."""

from gpurules.clients.obstore.client import Obstore, ObstoreKind

__all__ = ["Obstore", "ObstoreKind"]
