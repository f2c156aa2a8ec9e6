"""Data loaders: PyTorch's DataLoader, and WebDataset."""

from gpurules.clients.loaders.dataloader import DataLoaderKind, GovernedLoader
from gpurules.clients.loaders.webdataset import WebDatasetKind, register

__all__ = ["DataLoaderKind", "GovernedLoader", "WebDatasetKind", "register"]
