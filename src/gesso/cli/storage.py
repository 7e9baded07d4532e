"""The data folder for commands: the Store, and the errors of the house as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import InvalidTag
from sqlalchemy.exc import DBAPIError

from gesso.cli.refused import Refused
from gesso.config import Settings
from gesso.domain.errors import GessoError
from gesso.models.registry import ModelBroken
from gesso.wiring import DataInUse, Store


@contextmanager
def sentences(settings: Settings) -> Iterator[None]:
    """Errors of the house become Refused with what to do; all others pass as they are."""
    data = settings.data.resolve()
    try:
        yield
    except (DataInUse, ModelBroken) as error:
        raise Refused(str(error)) from error
    except GessoError as error:
        raise Refused(str(error)) from error
    except DBAPIError as error:
        where = "the database" if settings.database_url else str(data / "gesso.db")
        raise Refused(f"{where} cannot be used: {error.orig}.") from error
    except InvalidTag as error:
        raise Refused(f"{data / 'secret.key'} is not the key that this database was sealed with. Restore it from a backup.") from error
    except PermissionError as error:
        raise Refused(f"{error.filename or data} cannot be written. Choose another folder with --data, or change its owner.") from error
    except (NotADirectoryError, FileExistsError) as error:
        raise Refused(f"{error.filename or data} is not a folder. Choose another one with --data.") from error
    except OSError as error:
        raise Refused(f"The data folder {data} cannot be used: {error.strerror or error}.") from error
    except ValueError as error:
        # The store says so of a damaged secret key, and of nothing else.
        if "secret.key" not in str(error):
            raise
        raise Refused(str(error)) from error


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The Store of the data folder, made when it is not there. Safe beside a running server."""
    with sentences(settings):
        store = Store(settings)
        try:
            yield store
        finally:
            store.close()
