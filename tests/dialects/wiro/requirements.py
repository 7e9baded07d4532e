"""What the Wiro dialect promises, as data. `source`: section of docs/protocol. `decided`: no source says; this project chose.

A test names what it proves with `@proves(...)`; test_coverage.py checks both directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])


@dataclass(frozen=True)
class Requirement:
    id: str
    source: str
    sentence: str
    decided: bool = False


def proves(*ids: str) -> Callable[[Test], Test]:
    """Name the requirements that a test proves."""
    unknown = [one for one in ids if one not in BY_ID]
    assert not unknown, f"no such requirement: {unknown}"
    return lambda test: test


R = Requirement
REQUIREMENTS = (
    # Ground rules.
    R("ground.envelope", "0", "Answers are JSON with `result` and `errors`; payload keys stand beside them."),
    R("ground.bodies", "0", "Every endpoint takes JSON, multipart and urlencoded bodies."),
    R("ground.sniffed", "0", "A JSON body under a wrong Content-Type is read as JSON; an empty body is an empty object."),
    R("ground.unknown-route", "0", "An unknown route is HTTP 404, code 0, `Error parsing url.`"),
    R("ground.unknown-method", "0", "A known route with another method is an unknown route.", decided=True),
    R("ground.cors", "0", "Every answer allows any origin; a preflight allows the headers of the protocol."),
    R(
        "ground.slugs",
        "0, 2.1",
        "Slugs may hold capitals, dots and spaces, come percent-encoded, clean, in any case or with `++` for a dot.",
    ),
    R("ground.no-redirect", "0", "No API route redirects; a slash at the end, or two where a base address ends, change nothing."),
    R("ground.members", "0", "A form may write the members of a list X as X[] or X[0].", decided=True),
    R("ground.packed", "-", "A body may be packed with gzip or deflate; unpacked it has the same limits.", decided=True),
    R("ground.offers", "-", "A request that offers another protocol, as Java's do, is read as one that does not.", decided=True),
    R("ground.heads", "-", "The head of a request, and what follows a body in chunks, have a limit.", decided=True),
    R("ground.numbers", "0", "A whole number may be written as 7.0, and an option or a text as JSON's true.", decided=True),
    R(
        "ground.types",
        "3.1, 11, 12.3",
        "A client that decodes strictly reads tools, projects, tasks and refusals: each key has its one JSON type.",
    ),
    R("ground.statuses", "12.2", "A refused call is HTTP 200, a false key 401 and an unknown route 404, on every kind of call."),
    R("ground.unavailable", "12.2", "What cannot be taken now is HTTP 503 with Retry-After and the envelope, code 0.", decided=True),
    R("ground.ready", "-", "While the disk refuses runs /readyz is 503 and says why; it recovers without another run.", decided=True),
    R("ground.internal", "12.2", "A failure of the server is HTTP 500 with the envelope and no details.", decided=True),
    R("ground.unreadable-logged", "-", "Why a body cannot be read is logged, with the id that the answer carries.", decided=True),
    R("ground.too-large", "3.4", "A body over the limits is HTTP 200, code 0, and a sentence with the limit.", decided=True),
    R("ground.unreadable", "3.4", "A body that cannot be read is code 0, `Request parameters are invalid.`"),
    R("ground.request-id", "-", "Every answer carries X-Request-Id, the client's own where it sent a harmless one.", decided=True),
    R("ground.stray-files", "-", "Files sent to a call that takes none, or with a refused run, are not kept.", decided=True),
    # Authentication.
    R("auth.vector", "1", "The signature is HMAC-SHA256 with the key as its key over secret and nonce; the published vector holds."),
    R("auth.key-only", "1", "A key-only project needs x-api-key alone; nonce and signature are ignored."),
    R("auth.signature", "1", "A signature project needs key, nonce and signature."),
    R("auth.openssl", "1", "What openssl dgst prints is taken as it is: prefixes of 1.x and 3, `-r`, upper case."),
    R("auth.nonce", "1", "A nonce is opaque, may repeat, and has a limit of length."),
    R("auth.pair", "1", "KEY:SECRET in x-api-key, or as a bearer token, plain or in base64, is a full proof.", decided=True),
    R("auth.agree", "1", "Two different keys in x-api-key and Authorization are refused.", decided=True),
    R("auth.signed-in", "2.11", "The token of a sign-in beside x-api-key says nothing: the key counts.", decided=True),
    R("auth.unknown-key", "1", "No key or an unknown one is 401, code 0, `Project authorization is not founded.`"),
    R("auth.missing", "1", "A signature project without its headers is 401 with the text that names them."),
    R("auth.invalid", "1", "A wrong signature is 401, code 0, `Project authorization is not valid.`"),
    R("auth.address", "1", "An address that is not listed is 401, code 0, `Requested ip {ip} is not allowed.`"),
    R("auth.proxy", "1", "X-Forwarded-For counts only from a trusted proxy.", decided=True),
    R("auth.public", "1", "Tool/Detail, files and the socket need no key, and a bad one does not fail them."),
    R("auth.n8n", "1", "The n8n credential test gets HTTP 200 on a key-only project and 401 on a signature project."),
    # Run.
    R("run.answer", "2.1", "Run answers taskid as text of digits and a token of 30 letters and digits that is never all digits."),
    R("run.unknown-model", "3.4", "An unknown model is code 1, `slug-owner-project-not-exist`."),
    R(
        "run.not-ready",
        "3.4",
        "A model that cannot run here is code 1, `tool-not-accessible`, what is missing and who is told what to do; no folder is named.",
        decided=True,
    ),
    R("run.no-guests", "1, 3.4", "A run without a key is 401 on every model, so code 98 is never sent: nobody is a guest.", decided=True),
    R("run.stopped-project", "3.4", "No account is suspended: a budget of 0 stops a project, code 97 and a sentence.", decided=True),
    R("run.required", "3.4", "A missing parameter is `Request parameter [{name}] required`."),
    R("run.number", "3.4", "No number is `Request parameter [{name}] must be integer or float`."),
    R("run.range", "3.4", "Out of range is `Request parameter [{name}] must be between {min} and {max}`."),
    R("run.option", "3.4", "A value that is no option is code 0 with a sentence.", decided=True),
    R("run.files-required", "3.4", "A missing file is `Request files [{name}] required`."),
    R("run.text-forms", "0, 3.2", "Numbers, booleans and lists may come as text; an untouched 0 or empty text means the default."),
    R("run.unknown-keys", "0, 3.3", "Unknown keys do not fail a run and are kept in `parameters`, within a bound."),
    R("run.callback", "2.1, 6", "callbackUrl, also spelled callbackurl, is kept when it is http(s) without credentials, else ignored."),
    R(
        "run.projectid",
        "2.1",
        "projectid does not fail a run: the key's own project pays, and another one that was named is kept in `parameters`.",
        decided=True,
    ),
    # Runs that are sent again.
    R("once.same", "-", "The same Idempotency-Key with the same request answers the same task, from any kind of body.", decided=True),
    R("once.together", "-", "Two at the same moment make one task.", decided=True),
    R("once.restart", "-", "A key holds after a restart, and for a day.", decided=True),
    R("once.other", "-", "A key with another request is refused with HTTP 200, code 0 and a sentence.", decided=True),
    R("once.bounds", "-", "A key has 1 to 255 printable characters, and belongs to its project.", decided=True),
    R("once.refused", "-", "A key of a refused run is free.", decided=True),
    R("once.sync", "-", "A waiting run with a key answers the same task, and outlives its client.", decided=True),
    # Files of a run.
    R("files.part", "3.3", "A file part X is the file; it is stored as X, seven digits and the extension of its true type."),
    R("files.url-key", "3.3", "An address may stand in XUrl; an empty counterpart counts as not sent."),
    R("files.url-text", "3.3", "An address may stand as text in X."),
    R("files.several", "3.3", "Several files come as repeated parts, lists, lists in JSON text, or addresses with commas, also mixed."),
    R("files.n8n", "3.3", "Both n8n spellings of the address field of `...Multiple` are taken."),
    R("files.own", "3.3", "An address of a file of this server is read from storage."),
    R("files.both", "3.3", "A file and a different address, or two, for a one-file parameter are refused.", decided=True),
    R("files.stray", "3.3", "A file that is sent for a parameter that takes a value is refused, not lost.", decided=True),
    R("files.spaces", "3.3", "Spaces in the path of an address are encoded, as a browser does.", decided=True),
    R("files.data-url", "3.3", "A data: address, or any text that is no http(s) address, is refused with a sentence.", decided=True),
    R("files.shown", "3.3", "parameters.X is the stored file's URL: a text for one file, a list for several."),
    R("files.likeness", "3.4", "A file that is no picture is told what it is: empty, a web page, text, a type.", decided=True),
    R("files.unreachable", "3.4", "An address that cannot be fetched fails the task, with the reason in debugerror.", decided=True),
    R("files.own-names", "3.3", "This server's own addresses also name it 127.0.0.1, localhost or by its public origin.", decided=True),
    R("files.gone", "3.4", "A run with a deleted file of this server is refused, code 0, with a sentence.", decided=True),
    R("files.capability", "3.3", "A file's address is all that a run needs to read it, whoever's it is.", decided=True),
    # Kept files.
    R("folder.create", "2.10, 12.13", "FolderCreate answers the folder as list[0], with every key; parentid and parentId are read."),
    R("folder.name", "2.10", "A folder's name has letters, digits, - and _; anything else is refused with a sentence."),
    R("folder.again", "2.10", "A folder of the same name in the same place is the same folder.", decided=True),
    R("folder.unknown", "2.10", "A folder that is unknown, or another project's, is code 1, `folder-not-exist`.", decided=True),
    R("upload.answer", "2.10", "Upload answers each file in list, with every key and a public, absolute `url`."),
    R("upload.folder", "2.10, 12.13", "The folder of an upload is folderid, also spelled folderId; an empty one is none.", decided=True),
    R("upload.several", "2.10", "Several parts `file` may come at once, with or without folderid, in any order.", decided=True),
    R("upload.types", "2.10", "A file is known by its bytes, else by its name; a type that is not listed is refused with a sentence."),
    R("upload.limit", "2.10", "A file over 100 MB is refused with a sentence.", decided=True),
    R("upload.zip", "2.10", "A ZIP is unpacked into the folder."),
    R("upload.zip-place", "2.10", "Without a folder, a ZIP is unpacked into a new one that is named after it.", decided=True),
    R("upload.zip-skipped", "2.10", "What a ZIP holds and is not kept is told in `skipped`; `errors` stays empty.", decided=True),
    R("upload.whole", "2.10", "An upload is kept as a whole or not at all.", decided=True),
    R("list.page", "2.10", "File/List answers folders, then files, in pages, with `total` as text.", decided=True),
    R("delete.kept", "2.10", "File/Delete takes the id of a file or folder, or an access key; a folder goes with all in it.", decided=True),
    R("delete.foreign", "2.10", "A file or a folder of another project is `file-not-exist`, and stays.", decided=True),
    # Deleting the files of a task.
    R("purge.answer", "2.5", "InputOutputDelete answers result true, and true again."),
    R("purge.record", "2.5", 'Afterwards outputs is empty, outputfolderid is "0", and the task and its parameters stay.'),
    R("purge.urls", "2.5", "The URLs of the outputs and of the task's own inputs are 404 at once."),
    R("purge.shared", "2.5", "Uploads, and inputs that another task of the project uses, stay.", decided=True),
    R("purge.running", "2.5", "Of a task that has not ended: `Task must be completed or cancelled before deleting files`."),
    R("purge.unknown", "2.5", "Of an unknown task, or another project's: `task-not-exist`."),
    # Detail, cancel, kill.
    R("detail.names", "2.2", "A task is named by taskid (text or number), tasktoken or socketaccesstoken; a token wins."),
    R("detail.answer", "2.2, 12.3", "The answer has `total` as text and one element in tasklist."),
    R("detail.unknown", "2.2, 12.14", 'An unknown task is code 1, `There is no task yet.`, with total "0" and an empty tasklist.'),
    R("detail.nothing", "2.2", "A call that names no task is code 0, `taskid or socketaccesstoken is required`."),
    R("detail.foreign", "2.2", "Another project's task, by id or by token, is unknown."),
    R("detail.one-id", "12.19", "Run, the record, the list, the frames and the answer of a kill give a task one and the same id."),
    R("cancel.queued", "2.4", "A queued task can be cancelled: status task_cancel."),
    R("cancel.names", "2.4, 12.4", "A task to be cancelled is named in any of the three ways, in any kind of body."),
    R("cancel.running", "2.4", "A running task cannot: code 1, `Task is not in a cancellable state.`"),
    R("kill.running", "2.4", "A running task can be killed, by any of the three names, and shows task_cancel at once."),
    R("kill.queued", "2.4", "A queued task can be killed too."),
    R("kill.ended", "2.4", "A finished task cannot: code 1, `Task could not be killed: {reason}`."),
    R("kill.again", "2.4", "Killing or cancelling a cancelled task answers result true."),
    R(
        "kill.refusing-disk",
        "-",
        "While the disk takes no writes a kill or cancel is HTTP 503 after a few seconds. It holds, and later ones answer it.",
        decided=True,
    ),
    # The record.
    R("record.fields", "5", "The record has every field of the sample and those documented beside it, in their JSON types."),
    R("record.times", "0", 'Ids and times are texts of digits; unset times are "0"; unset texts empty; unset references null.'),
    R("record.cost", "5, 7", 'elapsedseconds has 4 decimals, cps 12; totalcost is their product, or "0" when free, failed or unfinished.'),
    R("record.pexit", "5, 12.20", 'pexit is empty while running, "0" for success, "1" for killed and failed.'),
    R("record.cancelled", "5, 12.12", 'A cancelled record has canceltime, no outputs and totalcost "0".'),
    R("record.failed", "12.5", "Every failure ends as task_postprocess_end with the reason in debugerror."),
    R("record.losses", "5", "Attempts that were lost are told in debugerror.", decided=True),
    R("record.categories", "12.10", "categories is JSON text in a task and a list in a tool."),
    R("record.outputs", "5", "An output has the fields of the sample; its url is absolute and is left out rather than empty."),
    R("record.early", "4, 12.6", "Outputs, pexit and cost are in the record before task_end is sent."),
    R("record.statuses", "5", "Each state has a wire status; task_error is never one."),
    R("record.gone-model", "5", "A task whose model was removed can still be read.", decided=True),
    # URLs and files.
    R("url.origin", "2.10", "File URLs have the public origin, else the one that the client used, through proxies."),
    R("file.get", "2.10", "GET answers the bytes with exact Content-Type and Content-Length, without a key."),
    R("file.head", "2.10", "HEAD answers the same headers without bytes."),
    R(
        "file.range",
        "2.10",
        "One range is answered 206, also one that holds everything; one outside the file 416; several, or a malformed one, with the whole.",
    ),
    R("file.etag", "-", "A file has a strong ETag; If-None-Match gets 304, and If-Range guards a range.", decided=True),
    R("file.safe", "-", "What a browser would execute, or does not show, is an attachment; nosniff on all.", decided=True),
    R("file.unknown", "2.10", "An unknown file is HTTP 404 with the envelope.", decided=True),
    # Tools.
    R("tool.detail", "2.7", "Tool/Detail answers one tool, by either spelling; a summary has no parameters."),
    R("tool.unknown", "2.7", "An unknown tool is code 1, `slug-owner-project-not-exist`."),
    R("tool.readme", "2.6", "readme is HTML without anything that a browser would execute."),
    R("tool.taskstat", "2.6", "taskstat counts the model's tasks: runcount a number, the rest texts."),
    R("tool.list", "2.6", "Tool/List answers tools with `total` as a NUMBER, without a key and with a false one."),
    R("tool.search", "2.6", "search looks in title, slugs, categories, tags and description; nothing found is result true, total 0."),
    R("tool.filters", "2.6", "categories and tags mean any of them, slugowner either spelling; hideworkflows hides workflows."),
    R("tool.order", "2.6", "Tools are ordered by id, relevance and the other sorts, in both directions."),
    R("tool.pages", "2.6", "start and limit are numbers or texts; what cannot be one is refused with a sentence."),
    R("tool.explore", "2.8", "Tool/Explore answers groups by category, none of them empty."),
    R("tool.openapi", "2.9", "Tool/DetailOpenAPI answers a bare list of two valid OpenAPI 3.0.3 documents."),
    R(
        "tool.openapi-unknown",
        "2.9",
        "Of an unknown model the list is empty: a client searches it, and says itself that there is none.",
        decided=True,
    ),
    # Lists of tasks.
    R("tasks.list", "2.3", "Task/List answers the project's own records, newest first, `total` as text before paging."),
    R("tasks.pages", "2.3", "start and limit page through the list without gaps or repeats, in both orders."),
    R("tasks.type", "2.3", "type model, train and running tell runs, trainings and unfinished tasks apart."),
    R("tasks.model", "2.3", "modelName is part of a model's name in either spelling, or of its title, in any case."),
    R("tasks.foreign", "2.3", "Another project's tasks are neither listed nor counted."),
    R("tasks.logs", "2.3", "In a list logs are cut to their ends.", decided=True),
    # Pages for machines.
    R("txt.layout", "9", "llms.txt has the published sections in their order; llms-full.txt has the samples of inputs too."),
    R("txt.prompt", "9", "The prompt for assistants is llms.txt after two sentences that say what to do with it."),
    R("txt.parsed", "9", "A client's parser reads the inputs between `## Model Inputs:` and the next heading."),
    R("txt.places", "9", "They are below /models and /tools, public, in any spelling of the slugs; an unknown one is 404 as text."),
    R("txt.runnable", "9", "The JSON on the pages is valid, and its run is accepted."),
    R("tool.items", "3.1", "A form item has both spellings of its keys, and leaves unset bounds out of the newer one."),
    # The socket.
    R("socket.greeting", "4.1", "The socket is at the prefix with and without a slash, needs no headers, and greets with `connected`."),
    R("socket.frames", "4.3", "A frame has type, id, tasktoken, message, result, success, terminal and exitCode."),
    R("socket.whole", "4", "Every frame is one whole text message: some clients read no fragments."),
    R("socket.order", "4.3", "A run's frames come in the documented order, each once."),
    R("socket.replay", "4", "A late registration gets the lifecycle so far, then follows; after the end it gets the last frame."),
    R("socket.progress", "4", "The progress object has all keys, all texts."),
    R("socket.last", "4", "The last frame's message is a list of outputs, copied to `outputs`; empty with `error` on failure."),
    R("socket.cancel", "4", "A cancelled task ends with task_cancel: message null, terminal, success false."),
    R("socket.many", "4", "A socket may follow many tasks, and a task may have many sockets."),
    R("socket.twice", "4", "Registering a token twice while it is followed changes nothing."),
    R("socket.dropped", "4.2", "Unknown types, unreadable and binary frames are dropped, and the socket stays open."),
    R("socket.bytes", "4.2", "JSON in a binary frame is read as in a text frame.", decided=True),
    R("socket.errors", "4.2", "No token is `tasktoken-required`; an unknown one `task-not-exist`; the socket stays open.", decided=True),
    R("socket.open", "4", "The socket stays open after a terminal frame."),
    R("socket.lost", "4", "A lost attempt is told as task_error, followed by task_queue.", decided=True),
    R("socket.preview", "4", "An unfinished picture has a frame type of its own, task_preview.", decided=True),
    R("socket.seq", "-", "A frame of a stored event has its number in seq; the last of several frames of one event.", decided=True),
    R("socket.since", "-", "task_info with since goes on after that event; of an ended task the end is told again.", decided=True),
    R("socket.slow", "-", "A listener that falls behind loses live frames only.", decided=True),
    R("socket.one-end", "4", "However a client listens, and whenever it begins, it sees the same end."),
    # Server-sent events.
    R("stream.events", "-", "GET Task/Stream?tasktoken= sends the socket's frames as events, with seq as id, and ends.", decided=True),
    R("stream.resume", "-", "Last-Event-ID, or since=, goes on after that event; after the last one the answer is 204.", decided=True),
    R("stream.refused", "-", "No token, an unknown one and a false since are refused in the envelope.", decided=True),
    # Hostile input.
    R("fuzz.bodies", "0", "No body, of whatever kind, and no frame makes the server fail or hang."),
    R("fuzz.memory", "-", "The memory of the server does not grow with the number of requests.", decided=True),
    # Waiting runs.
    R("sync.answer", "2.11", "Run/.../sync answers Task/Detail's body when the task has ended."),
    R("sync.late", "2.11", "After its time it answers HTTP 504 with taskid and socketaccesstoken, and the task goes on."),
    R("sync.stream", "2.11", "With stream=true or Accept: text/event-stream it sends start, task_output and done."),
    R("sync.keep-alive", "2.11", "A quiet stream sends comments."),
    R("sync.stopping", "2.11", "A server that stops tells who waits, HTTP 504, under which names the task goes on.", decided=True),
    R("sync.training", "2.11", "A training is not waited for: it is refused with a sentence, code 0."),
    R("task.training", "5, 8", "A trainer's tasks have the runtype `train`, and are listed under that type."),
    R("sync.refused", "2.11", "A refused run answers the usual refusal, also when a stream was asked for."),
    R("sync.left", "2.11", "A client that leaves withdraws its task, unless it gave a callback address.", decided=True),
    # Accounts and projects.
    R(
        "account.bearer",
        "1",
        "An account call without a token, with a false one or with an old one is 401, code 99, in the protocol's words.",
    ),
    R("account.signin", "2.11", "EmailAndPassword answers token, verifytoken, three numbers that tell what is missing, and user."),
    R("account.verify", "2.11", "With a second factor the token comes from SigninVerify; `authcode` and `code` both carry it."),
    R("account.refused", "2.11", "A wrong address and a wrong password are one refusal: HTTP 200, code 1.", decided=True),
    R("account.throttled", "7", "Who fails too often is told HTTP 429 with Retry-After, in the envelope.", decided=True),
    R("account.mail", "2.11", "EmailAndOneTimeCode is refused with a sentence: no mail is sent.", decided=True),
    R("account.signup", "-", "Sign-up answers as a sign-in does, and is refused where the server is closed.", decided=True),
    R("account.sessions", "-", "Sessions can be listed and ended, one or all; another password ends the others.", decided=True),
    R("project.list", "2.11", "Project/List answers with a bearer token or with project headers; texts but for the list of addresses."),
    R("project.filter", "2.11", "apikey in Project/List picks one project; empty is all."),
    R("project.addresses", "2.11", "A refused ipwhitelist is told by that name.", decided=True),
    R("project.create", "-", "A project is created, changed and deleted with a token; secrets are told when they are made.", decided=True),
    R("project.regenerate", "-", "A new key works and the old one stops before the answer.", decided=True),
    R("project.members", "-", "Owners add, change and remove members, who see the project and do not change it.", decided=True),
    R(
        "project.deleted",
        "-",
        "Tasks, sockets, streams and files of a deleted project are not found, and its tasks are killed.",
        decided=True,
    ),
    R("isolation.keys", "1", "No route that needs a key answers anything but the refusal to a key that is not good."),
    R("isolation.tokens", "1", "No route that needs an account answers anything but the refusal to a token that is not good."),
    R("isolation.foreign", "2.2", "Nothing of another project or account can be seen or changed, by whatever name."),
    # Money.
    R("billing.methods", "7", "dynamicprice is JSON text that says each rule of a price with its digits; empty text where seconds count."),
    R("billing.rule", "7", "The first rule that fits the inputs, as text or as QUANTITY, is what a run costs."),
    R("billing.success", "7", "Only a success is charged, once; failed and cancelled tasks are free."),
    R("billing.low", "7", "A prepaid run below 0.50, or a training below 10, is HTTP 200, code 97, `Insufficient balance`."),
    R("billing.parallel", "7", "A prepaid run over a tenth of the balance is code 96 with the documented text."),
    R("billing.nothing-stored", "7", "A run that is refused for money leaves no task and no file.", decided=True),
    R("billing.budget", "-", "A run over the month's budget is code 97 with a sentence, in both modes.", decided=True),
    R("billing.approximately", "7", "approximatelycost is what a run cost on the average, 0 before the first."),
    # Pages of this server.
    R("browser.cookie", "-", "A page of this server acts for a project of who is signed in: a cookie, and x-gesso-project.", decided=True),
    R("browser.foreign", "-", "A page of another site, or a program that only has the cookie, is refused as 401, code 99.", decided=True),
    R("browser.stranger", "-", "Another user's project does not exist for a cookie.", decided=True),
    # Webhook.
    R("notice.body", "6", "The webhook's body is Task/Detail's answer with taskid, socketaccesstoken and status beside it."),
    R("notice.sent", "6", "A task that succeeds, fails or is cancelled POSTs its notice once to its callback address, as JSON."),
    R("notice.signed", "-", "It carries the headers of Standard Webhooks, signed with the project's secret.", decided=True),
)
BY_ID = {requirement.id: requirement for requirement in REQUIREMENTS}
assert len(BY_ID) == len(REQUIREMENTS), "requirement ids repeat"
