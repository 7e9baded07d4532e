"""Files, Uploads and Folders: stored bytes with a name, owned by a Project. Names, types and references; the bytes are elsewhere."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass

SAFETENSORS = "application/vnd.safetensors"
SVG = "image/svg+xml"
_TYPE_BY_EXTENSION = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "svg": SVG,
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "txt": "text/plain",
    "md": "text/markdown",
    "json": "application/json",
    "zip": "application/zip",
    "epub": "application/epub+zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "safetensors": SAFETENSORS,
}
_EXTENSION_BY_TYPE = {content_type: extension for extension, content_type in reversed(_TYPE_BY_EXTENSION.items())}
OCTETS = "application/octet-stream"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
)
# Nothing is tried a second way: many comments have very many.
_PAGE = re.compile(rb"(?:(?><!--.*?-->)|\s)*+<(?:!doctype html|html|head|body|title|meta|script)\b", re.DOTALL)
_DRAWING = re.compile(rb"(?:(?><\?xml.*?\?>)|(?><!--.*?-->)|(?><!doctype svg.*?>)|\s)*+<svg\b", re.DOTALL)
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\f\r")
# What an upload may be. Names promise more types than these: those of inputs, which a Model judges, and of Outputs.
_KEPT = _TYPE_BY_EXTENSION.keys() - {"tif", "tiff", "bmp", "svg", "json"}
_KEPT_TYPES = frozenset(_TYPE_BY_EXTENSION[extension] for extension in _KEPT)
ARCHIVE = "application/zip"
# The format's own bound: the length of its header comes first.
_SAFETENSORS_HEADER_MAX_BYTES = 100_000_000
ROOT = ""
_FOLDER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_FOLDER_NAME = re.compile(r"[^A-Za-z0-9_-]+")
# All letters, so that no key can be read as a number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_UNSAFE = re.compile(r"[^\w.\- ()+]+")


@dataclass(frozen=True, slots=True)
class Carried:
    """The bytes of a small Output whose file is not flushed: the commit of its Task carries them to disk."""

    access_key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class File:
    """Stored bytes: an input, an Output or an upload. `access_key` is unguessable and is all that reading needs."""

    access_key: str
    project_id: int
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Received:
    """A file that arrived with a request: already on disk under its access key, not yet recorded anywhere. `likeness`: what it looks like
    where its bytes show no type, in words."""

    access_key: str
    file_name: str
    content_type: str
    size_bytes: int
    sha256: str
    likeness: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A place for uploads. `id`: 32 hex digits, unique and random; `parent_id`: that of the Folder around it, or ROOT."""

    id: str
    project_id: int
    parent_id: str
    name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A File that its Project keeps in a Folder, or in ROOT, until it is deleted. A Task's inputs and Outputs are none."""

    file: File
    folder_id: str

    @property
    def id(self) -> str:
        return public_id(self.file.access_key)


def public_id(access_key: str) -> str:
    """32 hex digits that name a File. Hashed, so that the id, which people paste, does not open the file."""
    return hashlib.blake2b(access_key.encode(), digest_size=16).hexdigest()


def output_key(stem: str, index: int) -> str:
    """The access key of a run's Output number `index`: 30 letters, and no hint of the others' to who does not know `stem`, an access key
    that is given to nobody but the run's Worker. The first letter, by which bytes are shelved, is the stem's."""
    digest = hashlib.blake2b(f"{stem} {index}".encode(), digest_size=15).hexdigest()
    return stem[0] + digest[1:].translate(_LETTERS)


def is_folder_name(name: str) -> bool:
    return _FOLDER_NAME.fullmatch(name) is not None


def folder_name(name: str) -> str:
    """A Folder's name made of a file's: without its extension, and with a `-` for what may not stand in it."""
    extension = extension_of(name)
    stem = name[: -len(extension) - 1] if extension else name
    return _NO_FOLDER_NAME.sub("-", stem).strip("-")[:48] or "archive"


def is_kept(content_type: str) -> bool:
    """Whether an upload may be of that type. Source: protocol, section 2.10."""
    return content_type in _KEPT_TYPES


def extension_of(name: str) -> str:
    """The lower-case extension of a file name without its dot, or an empty text."""
    _, dot, extension = name.rpartition(".")
    return extension.lower() if dot and extension.isalnum() and len(extension) <= 12 else ""


def type_of_name(name: str) -> str:
    """The content type that a file name promises; `application/octet-stream` when it promises none."""
    return _TYPE_BY_EXTENSION.get(extension_of(name), OCTETS)


def extension_of_type(content_type: str) -> str:
    """The usual extension of a content type; `bin` for an unknown one."""
    return _EXTENSION_BY_TYPE.get(content_type.partition(";")[0].strip().lower(), "bin")


def sniff(head: bytes) -> str:
    """The content type that the first bytes of a file show; an empty text when they show none.

    `head`: at least 16 bytes where the file has them. Source: the formats' own signatures.
    """
    # Before the signatures, of which a length may begin with any.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < _SAFETENSORS_HEADER_MAX_BYTES:
        return SAFETENSORS
    for magic, content_type in _MAGIC:
        if head.startswith(magic):
            return content_type
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if head[8:12] == b"WEBP" else "audio/wav"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"mif1", b"hevc"):
            return "image/heic"
        if brand in (b"avif", b"avis"):
            return "image/avif"
        return {b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}.get(brand, "video/mp4")
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        # QuickTime films older than the ftyp box.
        return "video/quicktime"
    return ""


def likeness(head: bytes) -> str:
    """What a file looks like whose first bytes show no type, in words for who sent it; an empty text where that cannot be told.

    For sentences only, never for a type: nothing is shown to a browser as a page because it begins like one.
    """
    if sniff(head):
        return ""
    text = head.removeprefix(b"\xef\xbb\xbf").strip().lower()
    if _PAGE.match(text):
        return "a web page"
    if _DRAWING.match(text):
        return "an SVG drawing"
    try:
        # The head may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    return "text" if text and _CONTROLS.isdisjoint(text) else ""


def true_type(head: bytes, name: str) -> str:
    """What a file is: by its first bytes, and only where they are silent, by its name.

    A ZIP container keeps the type of its name when that is a format made of a ZIP (docx, xlsx, pptx, epub).
    """
    seen, promised = sniff(head), type_of_name(name)
    if seen == "application/zip" and ("openxmlformats" in promised or promised == "application/epub+zip"):
        return promised
    if seen:
        return seen
    # A name may not promise a picture, a film or weights that the bytes do not show.
    is_shown = promised.split("/")[0] in ("image", "video") or promised == SAFETENSORS
    return OCTETS if is_shown and promised != SVG else promised


def safe_name(name: str, fallback: str = "file") -> str:
    """A file name without folders, control characters or more than 120 characters."""
    leaf = name.replace("\\", "/").rsplit("/", 1)[-1].strip().strip(".")
    leaf = _UNSAFE.sub("_", leaf)
    if len(leaf) > 120:
        extension = extension_of(leaf)
        leaf = leaf[:100] + (f".{extension}" if extension else "")
    return leaf or fallback
