"""Folders and uploads over the wire: what is kept, where, and for whom."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from requirements import proves
from wiro_server import LiveServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(50)
KEYS = {
    "id",
    "name",
    "contenttype",
    "parentid",
    "uuid",
    "size",
    "addedtime",
    "modifiedtime",
    "foldercount",
    "filecount",
    "ispublic",
    "expiretime",
}


@pytest.fixture
def owner(server: LiveServer) -> Iterator[httpx.Client]:
    """A client of a project that keeps nothing yet."""
    with server.client(server.new_key(server.key.project.auth_method)) as made:
        yield made


def call(client: httpx.Client, path: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(path, json=fields).json()
    assert answer["result"], answer
    assert answer["errors"] == []
    return answer


def refused(answer: httpx.Response) -> tuple[int, str]:
    (error,) = answer.json()["errors"]
    assert (answer.status_code, answer.json()["result"]) == (200, False)
    return error["code"], error["message"]


def new_folder(client: httpx.Client, name: str = "photos", **fields: Any) -> str:
    return call(client, "/File/FolderCreate", name=name, **fields)["list"][0]["id"]


def upload(client: httpx.Client, *files: tuple[str, bytes], **fields: str) -> list[dict[str, Any]]:
    answer = client.post("/File/Upload", files=[("file", part) for part in files], data=fields).json()
    assert answer["result"], answer
    return answer["list"]


def listed(client: httpx.Client, folder_id: str = "") -> list[str]:
    return [one["name"] for one in call(client, "/File/List", folderid=folder_id)["list"]]


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("key", ["parentid", "parentId"])
@proves("folder.create")
def test_a_folder_and_one_in_it(owner: httpx.Client, key: str) -> None:
    (outer,) = call(owner, "/File/FolderCreate", name="Set_1-a")["list"]
    assert outer.keys() == KEYS
    assert re.fullmatch(r"[0-9a-f]{32}", outer["id"])
    assert (outer["name"], outer["parentid"], outer["size"], outer["contenttype"]) == ("Set_1-a", "0", "0", "")
    (inner,) = owner.post("/File/FolderCreate", data={"name": "inner", key: outer["id"]}).json()["list"]
    assert inner["parentid"] == outer["id"]
    (shown,) = call(owner, "/File/List")["list"]
    assert (shown["id"], shown["foldercount"], shown["filecount"]) == (outer["id"], "1", "0")


@pytest.mark.parametrize("name", ["two words", "a/b", "..", "é", "a.b", "x" * 65, "a\u0000"])
@proves("folder.name")
def test_names_that_are_none(owner: httpx.Client, name: str) -> None:
    code, message = refused(owner.post("/File/FolderCreate", json={"name": name}))
    assert (code, "letters" in message) == (0, True)


@proves("folder.name")
def test_a_folder_needs_a_name(owner: httpx.Client) -> None:
    assert refused(owner.post("/File/FolderCreate", json={})) == (0, "Request parameter [name] required")


@proves("folder.again")
def test_the_same_folder_twice(owner: httpx.Client) -> None:
    assert new_folder(owner) == new_folder(owner)
    assert listed(owner) == ["photos"]


@pytest.mark.parametrize("parent", ["f" * 32, "7", "../x", "x" * 500])
@proves("folder.unknown")
def test_an_unknown_folder(owner: httpx.Client, server: LiveServer, parent: str) -> None:
    before = server.stored_files().keys()
    answers = [
        owner.post("/File/FolderCreate", json={"name": "a", "parentid": parent}),
        owner.post("/File/List", json={"folderid": parent}),
        owner.post("/File/Upload", files={"file": ("a.png", PNG)}, data={"folderid": parent}),
    ]
    assert [refused(answer) for answer in answers] == [(1, "folder-not-exist")] * 3
    assert server.stored_files().keys() == before


@proves("folder.unknown", "delete.foreign")
def test_what_is_anothers_does_not_exist(owner: httpx.Client, server: LiveServer) -> None:
    folder_id = new_folder(owner)
    (kept,) = upload(owner, ("a.png", PNG), folderid=folder_id)
    with server.client(server.other) as stranger:
        for path, fields in (("/File/List", {"folderid": folder_id}), ("/File/FolderCreate", {"name": "x", "parentid": folder_id})):
            assert refused(stranger.post(path, json=fields)) == (1, "folder-not-exist")
        part = {"file": ("b.png", PNG)}
        assert refused(stranger.post("/File/Upload", files=part, data={"folderid": folder_id})) == (1, "folder-not-exist")
        for given in (kept["id"], kept["accesskey"], folder_id):
            assert refused(stranger.post("/File/Delete", json={"id": given})) == (1, "file-not-exist")
        assert stranger.post("/File/List", json={}).json()["list"] == []
    assert listed(owner, folder_id) == ["a.png"]
    assert httpx.get(kept["url"]).content == PNG


@proves("upload.answer")
def test_an_upload(owner: httpx.Client, server: LiveServer) -> None:
    (kept,) = upload(owner, ("my photo.png", PNG))
    assert kept.keys() == {*KEYS, "accesskey", "url"}
    assert kept["url"] == f"{server.url}/v1/File/{kept['accesskey']}/my%20photo.png"
    assert (kept["contenttype"], kept["size"], kept["parentid"]) == ("image/png", str(len(PNG)), "0")
    assert re.fullmatch(r"[0-9a-f]{32}", kept["id"])
    assert all(isinstance(kept[key], str) for key in kept.keys() - {"ispublic", "expiretime"})
    assert httpx.get(kept["url"]).content == PNG


@proves("upload.several")
def test_several_at_once_in_their_order_and_a_folder_named_after_them(owner: httpx.Client) -> None:
    folder_id = new_folder(owner)
    parts = [("file", ("b.png", PNG)), ("file", ("a.txt", b"words")), ("folderid", (None, folder_id)), ("other", ("c.png", PNG))]
    answer = owner.post("/File/Upload", files=parts).json()
    assert [one["name"] for one in answer["list"]] == ["b.png", "a.txt"]
    assert {one["parentid"] for one in answer["list"]} == {folder_id}
    assert listed(owner, folder_id) == ["b.png", "a.txt"]


@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        ("blob", PNG, "image/png"),
        ("photo.jpg", PNG, "image/png"),
        ("film", MP4, "video/mp4"),
        ("old.mov", b"\x00\x00\x00\x08wide" + bytes(20), "video/quicktime"),
        ("a.csv", b"1,2", "text/csv"),
        ("a.md", b"# A", "text/markdown"),
        ("a.docx", b"PK\x03\x04" + bytes(30), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.epub", b"PK\x03\x04" + bytes(30), "application/epub+zip"),
    ],
)
@proves("upload.types")
def test_a_file_is_what_its_bytes_say(owner: httpx.Client, name: str, data: bytes, content_type: str) -> None:
    answer = owner.post("/File/Upload", files={"file": (name, data, "application/octet-stream")}).json()
    assert [one["contenttype"] for one in answer["list"]] == [content_type]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.html", b"<script>"),
        ("a.svg", b"<svg/>"),
        ("a.exe", b"MZ"),
        ("false.png", b"<script>"),
        ("a", b"words"),
        ("empty.png", b""),
        ("a.png", b"\x00\x00\x00\x1cftypavif"),
    ],
)
@proves("upload.types", "upload.whole")
def test_what_is_not_kept(owner: httpx.Client, server: LiveServer, name: str, data: bytes) -> None:
    before = server.stored_files().keys()
    answer = owner.post("/File/Upload", files=[("file", ("good.png", PNG)), ("file", (name, data))])
    code, message = refused(answer)
    assert (code, message.startswith(f"The file {name} cannot be kept: ")) == (0, True)
    assert listed(owner) == []
    assert server.stored_files().keys() == before


@proves("upload.answer")
def test_an_upload_without_a_file(owner: httpx.Client) -> None:
    assert refused(owner.post("/File/Upload", json={})) == (0, "Request files [file] required")
    assert refused(owner.post("/File/Upload", files={"picture": ("a.png", PNG)})) == (0, "Request files [file] required")


@proves("upload.limit")
def test_a_file_over_the_limit(owner: httpx.Client, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    before = server.stored_files().keys()
    monkeypatch.setattr("gesso.store.blobs.FILE_MAX_BYTES", 2**20)
    monkeypatch.setattr("gesso.api.wiro.files.FILE_MAX_BYTES", 2**20)
    code, message = refused(owner.post("/File/Upload", files={"file": ("a.png", PNG + bytes(2**20))}))
    assert (code, message) == (0, "The file that was sent cannot be kept: it is larger than the limit of 1 MB.")
    assert server.stored_files().keys() == before


@proves("upload.zip", "upload.zip-skipped")
def test_an_archive_goes_into_the_folder(owner: httpx.Client, server: LiveServer) -> None:
    folder_id = new_folder(owner)
    before = server.stored_files().keys()
    data = zipped(**{"set/a.png": PNG, "set/a.txt": b"a caption", "set/run.exe": b"MZ", "__MACOSX/set/._a.png": b"x"})
    answer = owner.post("/File/Upload", files={"file": ("set.zip", data)}, data={"folderid": folder_id}).json()
    assert (answer["result"], answer["errors"]) == (True, [])
    assert [(one["name"], one["parentid"]) for one in answer["list"]] == [("a.png", folder_id), ("a.txt", folder_id)]
    assert [one["name"] for one in answer["skipped"]] == ["run.exe"]
    assert [httpx.get(one["url"]).content for one in answer["list"]] == [PNG, b"a caption"]
    assert listed(owner) == ["photos"]
    assert len(server.stored_files().keys() - before) == 2


@proves("upload.zip-place")
def test_an_archive_without_a_folder_makes_one(owner: httpx.Client) -> None:
    for _ in range(2):
        kept = upload(owner, ("my set (1).zip", zipped(**{"a.png": PNG})))
    assert listed(owner) == ["my-set-1", "my-set-1-2"]
    assert listed(owner, kept[0]["parentid"]) == ["a.png"]


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", zipped(), zipped(**{"a.exe": b"MZ"}), zipped(**{"a.png": PNG})[:-9]])
@proves("upload.whole", "upload.zip")
def test_an_archive_that_cannot_be_unpacked(owner: httpx.Client, server: LiveServer, data: bytes) -> None:
    before = server.stored_files().keys()
    answer = owner.post("/File/Upload", files=[("file", ("good.png", PNG)), ("file", ("bad.zip", data))])
    code, message = refused(answer)
    assert (code, message.startswith("The file bad.zip cannot be kept: ")) == (0, True)
    assert listed(owner) == []
    assert server.stored_files().keys() == before


@proves("list.page")
def test_pages(owner: httpx.Client) -> None:
    for name in ("b", "a"):
        new_folder(owner, name)
    upload(owner, *((f"{number}.txt", b"words") for number in range(5)))
    pages = [owner.post("/File/List", data={"start": str(start), "limit": "3"}).json() for start in range(0, 9, 3)]
    assert [page["total"] for page in pages] == ["7"] * 3
    assert [one["name"] for page in pages for one in page["list"]] == ["a", "b", "0.txt", "1.txt", "2.txt", "3.txt", "4.txt"]


@pytest.mark.parametrize("key", ["id", "accesskey"])
@proves("delete.kept")
def test_a_deleted_file_is_gone_at_once(owner: httpx.Client, server: LiveServer, key: str) -> None:
    first, second = upload(owner, ("a.png", PNG), ("b.png", PNG))
    assert httpx.get(first["url"]).status_code == 200
    assert call(owner, "/File/Delete", id=first[key]).keys() == {"result", "errors"}
    assert [httpx.get(one["url"]).status_code for one in (first, second)] == [404, 200]
    assert first["accesskey"] not in server.stored_files()
    assert refused(owner.post("/File/Delete", json={"id": first[key]})) == (1, "file-not-exist")


@proves("delete.kept")
def test_a_folder_goes_with_all_in_it(owner: httpx.Client, server: LiveServer) -> None:
    outer = new_folder(owner)
    inner = new_folder(owner, "inner", parentid=outer)
    kept = [*upload(owner, ("a.png", PNG), folderid=outer), *upload(owner, ("b.png", PNG), folderid=inner)]
    call(owner, "/File/Delete", id=outer)
    assert listed(owner) == []
    assert {httpx.get(one["url"]).status_code for one in kept} == {404}
    assert not {one["accesskey"] for one in kept} & server.stored_files().keys()
    assert refused(owner.post("/File/List", json={"folderid": inner})) == (1, "folder-not-exist")


@pytest.mark.parametrize("given", ["", "x", "f" * 32, "a" * 30, "../" * 9])
@proves("delete.kept")
def test_nothing_to_delete(owner: httpx.Client, given: str) -> None:
    expected = (1, "file-not-exist") if given else (0, "Request parameter [id] required")
    assert refused(owner.post("/File/Delete", json={"id": given})) == expected
