"""For all tests. Properties are tried without deadlines: machines are shared, and what is slow now and then is not wrong."""

from hypothesis import settings

settings.register_profile("gesso", deadline=None)
settings.load_profile("gesso")
