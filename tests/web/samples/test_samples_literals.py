"""Literals say exactly the text that they were made of: read back by the languages themselves where they are there, else by their rules."""

from __future__ import annotations

import ast
import html
import json
import re
import subprocess
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_programs import ECHO, execute

from gesso.domain.project import AuthMethod
from gesso.web.samples import literals
from gesso.web.samples.guide import guide
from gesso.web.samples.highlight import highlight
from gesso.web.samples.inputs import inputs_of
from gesso.web.samples.languages import BY_ID, LANGUAGES

NASTY = (
    *("", "'", '"', "`", "\\", "\\\\", "\\'", '\\"', "$", "$x", "${x}", "$(id)", "`id`", "\\(x)", "#{x}", "{{x}}", "%s", "%d%n"),
    *(
        "\n",
        "\r\n",
        "a\nb",
        "\t",
        "\x01\x7f\x85",
        "\u2028\u2029",
        "\u202eabc\u202c",
        "\ufeff",
        "\u200b\u200d",
        "é",
        "日本",
        "🎨",
        "\U0010fffd",
    ),
    *(
        "</script>",
        "<!--",
        "-->",
        "]]>",
        "EOF",
        "\nEOF\n",
        "<<'EOF'",
        "*/",
        "//",
        "#",
        "?>",
        '"""',
        "'''",
        "\\u0041",
        "\\x41",
        "!",
        "!!",
        "~",
    ),
    *("-n", "@file", "<file", "a=b", ";", "&", "|", "*", "?", "$'x'", "''", "'\\''", "\\\n", "\\", "a\\"),
)
# What a request can carry: no NUL, no half of a pair.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
hostile = st.lists(st.sampled_from(NASTY) | texts, max_size=4).map("".join)
many = st.lists(hostile, min_size=20, max_size=60).map(lambda drawn: [*NASTY, *drawn])
once = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(hostile)
def test_python_reads_back(text: str) -> None:
    assert ast.literal_eval(literals.python(text)) == text


@once
@given(many)
def test_javascript_reads_back(tmp_path: Path, drawn: list[str]) -> None:
    written = ", ".join(map(literals.javascript, drawn))
    assert "</" not in written
    assert "<!--" not in written
    assert json.loads(execute("nodejs", f"console.log(JSON.stringify([{written}]))", tmp_path)) == drawn


@once
@given(many)
def test_php_reads_back(tmp_path: Path, drawn: list[str]) -> None:
    written = ", ".join(map(literals.php, drawn))
    assert json.loads(execute("php", f"<?php echo json_encode([{written}], JSON_THROW_ON_ERROR);", tmp_path)) == drawn


@settings(once, max_examples=1)
@given(many)
def test_go_reads_back(tmp_path: Path, drawn: list[str]) -> None:
    written = ",\n".join(map(literals.go, drawn))
    program = (
        f'package main\nimport ("encoding/json"; "os")\nfunc main() {{ json.NewEncoder(os.Stdout).Encode([]string{{\n{written},\n}}) }}'
    )
    assert json.loads(execute("go", program, tmp_path)) == drawn


@once
@given(many)
def test_a_shell_reads_back(tmp_path: Path, drawn: list[str]) -> None:
    written = " ".join(map(literals.shell, drawn))
    (tmp_path / "say.sh").write_text(f"printf '%s\\0' {written}", "utf-8", newline="")
    done = subprocess.run(["bash", "say.sh"], cwd=tmp_path, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.decode().split("\0")[:-1] == drawn


ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
BY_RULES = {"csharp": '"', "swift": '"', "kotlin": '"', "dart": "'"}


@pytest.mark.parametrize("language", BY_RULES)
@given(text=hostile)
def test_the_rules_of_other_languages_read_back(language: str, text: str) -> None:
    literal, quote = BY_ID[language].literal(text), BY_RULES[language]
    assert literal[0] == literal[-1] == quote
    inner = literal[1:-1]
    units = re.findall(r"\\u\{([0-9a-f]{1,6})\}|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\([^uU])|([^\\\n\r])", inner)
    assert sum(map(len, re.findall(r"\\u\{[0-9a-f]{1,6}\}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[^uU]|[^\\\n\r]", inner))) == len(inner)
    read = []
    for braced, four, eight, short, plain in units:
        assert plain not in (quote, "$" if language in ("kotlin", "dart") else quote)
        code = braced or four or eight
        read.append(chr(int(code, 16)) if code else ESCAPES.get(short, short) or plain)
    joined = "".join(read).encode("utf-16", "surrogatepass").decode("utf-16")
    assert joined == text


@given(text=hostile, syntax=st.sampled_from([*BY_ID, "html", "json"]))
def test_colours_change_no_character_and_let_no_tag_through(text: str, syntax: str) -> None:
    coloured = highlight(text, syntax)
    plain = re.sub(r'<span class="c-[a-z]+">|</span>', "", coloured)
    assert "<" not in plain
    assert ">" not in plain
    assert html.unescape(plain.replace("\r", "&#13;")) == html.unescape(html.escape(text).replace("\r", "&#13;"))


@settings(deadline=None, max_examples=40)
@given(text=hostile, name=hostile)
def test_any_value_makes_blocks_whose_json_is_json(text: str, name: str) -> None:
    values = {"text": text, "inputFile": name, "callbackUrl": text, "steps": text, "fail": name, "inputFiles": [name, text]}
    blocks = guide(ECHO, f"https://gesso.example/{name}", AuthMethod.SIGNATURE, values, key=text)
    assert all(orjson.loads(block.response) for block in blocks if block.response)
    body = inputs_of(ECHO, values).body
    assert body.get("text", text[:0]) == (text if text.strip() else "") or not text.strip()
    assert all(set(block.code) == {language.id for language in LANGUAGES} for block in blocks)


def test_what_no_request_can_carry_is_left_out() -> None:
    body = inputs_of(ECHO, {"text": "a\x00b\ud800c"}).body
    assert body["text"] == "ab?c"
