"""The build that is tested, and how fast it is."""
import os
import pathlib

BUILD = pathlib.Path(os.environ.get("DOKRUST_BUILD", "build")).resolve()
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SANITIZED = BUILD.name == "sanitized"
# How many times longer things may take than they do on a processor of its own; waits are as patient.
SLOWNESS = float(os.environ.get("DOKRUST_SLOWNESS", 5 if SANITIZED else 1))
