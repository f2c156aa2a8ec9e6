"""The root of every error that gpurules raises on purpose."""


class GpurulesError(Exception):
    """Base of all errors of this package."""


class RegistrationError(GpurulesError):
    """A plug-in name is unknown, or claimed twice."""


class UnavailableError(GpurulesError):
    """An extra or a device library is not installed; the message names what to install."""
