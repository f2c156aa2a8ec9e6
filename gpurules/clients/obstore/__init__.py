"""Object stores of many kinds (S3, GCS, Azure, local folders, memory) with the part loop, through obstore."""

from gpurules.clients.obstore.client import Obstore, ObstoreKind

__all__ = ["Obstore", "ObstoreKind"]
