"""gesso: a self-hosted platform that runs generative models for programs and for people."""

__version__ = "0.1.0"
