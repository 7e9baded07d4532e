"""What is not run is read: every block in every language by a grammar of it, and by the language's own tools where they are there."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter_c_sharp
import tree_sitter_dart_orchard
import tree_sitter_go
import tree_sitter_kotlin
import tree_sitter_php
import tree_sitter_swift
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_programs import ECHO, HEAL
from tree_sitter import Language, Node, Parser

from gesso.domain.model import Model
from gesso.domain.project import AuthMethod
from gesso.models.flux_fill.model import MODEL as FLUX_FILL
from gesso.web.samples.guide import Block, guide
from gesso.web.samples.languages import BY_ID

GRAMMARS = {
    "csharp": tree_sitter_c_sharp.language,
    "dart": tree_sitter_dart_orchard.language,
    "go": tree_sitter_go.language,
    "kotlin": tree_sitter_kotlin.language,
    "php": tree_sitter_php.language_php,
    "swift": tree_sitter_swift.language,
}
MODELS = (ECHO, HEAL, FLUX_FILL)
ORIGIN = "https://gesso.example"
HOSTILE = "'\"`$x ${y} $(z) \\(a) \\ {0} {{b}} %s\n\r\t\x01\u2028\u202e\ufeff🎨 */ // # </script> ?> \"\"\" ''' EOF"
INPUTS = {"text": HOSTILE, "prompt": HOSTILE, "inputFile": f"{HOSTILE}.png", "inputFiles": ["a.png", "https://a.example/b.png"]}


def parser(language: str) -> Parser:
    return Parser(Language(GRAMMARS[language]()))


def wrong(node: Node) -> Iterator[str]:
    """What the grammar could not read."""
    if node.is_error or node.is_missing:
        yield f"{node.start_point.row + 1}: {(node.text or b'').decode()[:200]}"
    elif node.has_error:
        for child in node.children:
            yield from wrong(child)


def blocks(model: Model, auth: AuthMethod = AuthMethod.SIGNATURE) -> list[Block]:
    return guide(model, ORIGIN, auth, INPUTS)


def code(block: Block, language: str) -> str:
    text = block.code[language].text
    # A fragment of PHP is read as PHP only behind its opening tag.
    return f"<?php\n{text}" if language == "php" and not text.startswith("<?php") else text


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.slug)
@pytest.mark.parametrize("auth", AuthMethod, ids=str)
@pytest.mark.parametrize("language", GRAMMARS)
def test_every_block_is_read_by_a_grammar(language: str, auth: AuthMethod, model: Model) -> None:
    reading = parser(language)
    for block in blocks(model, auth):
        if block.code[language].syntax != language:
            continue
        text = code(block, language)
        tree = reading.parse(text.encode())
        assert not (faults := list(wrong(tree.root_node))), f"{block.id}: {faults}\n{text}"


@pytest.mark.parametrize("language", GRAMMARS)
def test_a_grammar_sees_what_is_broken(language: str) -> None:
    """A literal that its text ends, in the middle of a block that is otherwise in order."""
    for block in blocks(ECHO):
        if block.code[language].syntax == language and block.id == "run-json":
            text = code(block, language)
            broken = text.replace(BY_ID[language].literal("/Run/gesso/echo"), "\"/Run'/gesso\"echo'")
            assert broken != text
            assert list(wrong(parser(language).parse(broken.encode()).root_node))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.slug)
def test_every_block_in_python_is_read_by_python(model: Model) -> None:
    for block in blocks(model):
        if block.id != "ui":
            ast.parse(block.code["python"].text)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=40))
def test_a_text_is_one_literal_of_every_grammar(text: str) -> None:
    """Nothing of it is an interpolation, and nothing of it ends the literal."""
    for language, (before, after) in SURROUNDED.items():
        literal = BY_ID[language].literal(text.replace("\x00", ""))
        program = f"{before}{literal}{after}".encode()
        tree = PARSERS[language].parse(program)
        assert not (faults := list(wrong(tree.root_node))), (language, literal, faults)
        assert not [node for node in nodes(tree.root_node) if "interpol" in node.type or "template_sub" in node.type], (language, literal)


SURROUNDED = {
    "csharp": ("var x = ", ";"),
    "dart": ("var x = ", ";"),
    "go": ("package main\nvar x = ", "\n"),
    "kotlin": ("val x = ", "\n"),
    "php": ("<?php $x = ", ";"),
    "swift": ("let x = ", "\n"),
}
PARSERS = {language: parser(language) for language in GRAMMARS}


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


@pytest.mark.parametrize("auth", AuthMethod, ids=str)
def test_php_reads_every_block(auth: AuthMethod, tmp_path: Path) -> None:
    if shutil.which("php") is None:
        pytest.skip("php is not installed: its samples are read by a grammar only")
    page = "".join(code(block, "php").removeprefix("<?php\n") for block in blocks(ECHO, auth) if block.id != "ui")
    (tmp_path / "gesso.php").write_text(f"<?php\n{page}", "utf-8", newline="")
    assert_reads(["php", "-l", "gesso.php"], tmp_path)


@pytest.mark.parametrize("auth", AuthMethod, ids=str)
def test_go_vets_every_block(auth: AuthMethod, tmp_path: Path) -> None:
    """The socket with a stand-in for its package, which has the three calls that the sample makes."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed: its samples are read by a grammar only")
    by_id = {block.id: block.code["go"].text for block in blocks(FLUX_FILL, auth)}
    socket = by_id.pop("socket")
    del by_id["ui"]
    (tmp_path / "main.go").write_text("\n".join(by_id.values()), "utf-8", newline="")
    (tmp_path / "follow.go").write_text(socket, "utf-8", newline="")
    stand_in = tmp_path / "vendor" / "github.com" / "gorilla" / "websocket"
    stand_in.mkdir(parents=True)
    (stand_in / "websocket.go").write_text(GORILLA, "utf-8")
    required = "github.com/gorilla/websocket v1.5.0"
    (tmp_path / "go.mod").write_text(f"module sample\n\ngo 1.19\n\nrequire {required}\n", "utf-8")
    (tmp_path / "vendor" / "modules.txt").write_text(f"# {required}\n## explicit\ngithub.com/gorilla/websocket\n", "utf-8")
    assert_reads(["go", "vet", "-mod=vendor", "./..."], tmp_path)


GORILLA = """\
package websocket

import "net/http"

type Conn struct{}

func (c *Conn) Close() error                      { return nil }
func (c *Conn) WriteJSON(value interface{}) error { return nil }
func (c *Conn) ReadJSON(value interface{}) error  { return nil }

type Dialer struct{}

var DefaultDialer = &Dialer{}

func (d *Dialer) Dial(url string, header http.Header) (*Conn, *http.Response, error) {
	return nil, nil, nil
}
"""


def assert_reads(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
