"""For all tests. Properties are tried without deadlines: machines are shared, and what is slow now and then is not wrong."""

import shutil

import pytest
from hypothesis import settings

settings.register_profile("gesso", deadline=None)
settings.load_profile("gesso")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [name for marker in item.iter_markers("programs") for name in marker.args if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
