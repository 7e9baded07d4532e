"""The borders of the house: what services ask of the store, of model processes and of live listeners. Adapters implement them, `wiring`
chooses. Each has a suite in tests/contracts and a double in `gesso.testing`."""

from gesso.domain.run import LocalFile as LocalFile
from gesso.domain.run import MadeOutput as MadeOutput
from gesso.domain.run import RunOrder as RunOrder
from gesso.domain.run import RunResult as RunResult
from gesso.ports.files import Archives as Archives
from gesso.ports.files import Blobs as Blobs
from gesso.ports.files import BlobWriter as BlobWriter
from gesso.ports.files import CarriedStore as CarriedStore
from gesso.ports.files import Contents as Contents
from gesso.ports.files import Fetch as Fetch
from gesso.ports.files import FileStore as FileStore
from gesso.ports.files import FolderCounts as FolderCounts
from gesso.ports.files import FolderStore as FolderStore
from gesso.ports.files import Listing as Listing
from gesso.ports.files import Unpacked as Unpacked
from gesso.ports.people import AccountStore as AccountStore
from gesso.ports.people import Clock as Clock
from gesso.ports.tasks import Counters as Counters
from gesso.ports.tasks import QueueEntry as QueueEntry
from gesso.ports.tasks import TaskChange as TaskChange
from gesso.ports.tasks import TaskHistory as TaskHistory
from gesso.ports.tasks import TaskRange as TaskRange
from gesso.ports.tasks import TaskStore as TaskStore
from gesso.ports.telling import AddressForbidden as AddressForbidden
from gesso.ports.telling import Announcer as Announcer
from gesso.ports.telling import Busy as Busy
from gesso.ports.telling import NoticeStore as NoticeStore
from gesso.ports.telling import Subscription as Subscription
from gesso.ports.workers import Executor as Executor
from gesso.ports.workers import Member as Member
from gesso.ports.workers import RunKilled as RunKilled
from gesso.ports.workers import SetupFailed as SetupFailed
from gesso.ports.workers import WorkerLost as WorkerLost
