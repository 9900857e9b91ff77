"""What to choose, and the two faces that tell it."""

from importlib.metadata import version

__version__ = version("csmae-advisor")
