"""Documents and posts: order, links, search, and the operator's own posts."""

from __future__ import annotations

from pathlib import Path

from gesso.web.documents import Documents


def test_links_between_files_lead_to_pages() -> None:
    pages = Documents().pages()
    assert list(pages)[:2] == ["introduction", "first-project"]
    assert "](files.md)" not in pages["api"].markdown
    assert 'href="/docs/files"' in pages["api"].html


def test_posts_of_the_operator_stand_among_the_others_newest_first(tmp_path: Path) -> None:
    (tmp_path / "2999-01-02-later.md").write_text("# Later\n\nSome *words* <script>alert(1)</script>.")
    (tmp_path / "no-date.md").write_text("# Never shown")
    posts = Documents(tmp_path).blog()
    assert posts[0].slug == "later"
    assert posts[0].lede == "Some words <script>alert(1)</script>."
    assert "<script>" not in posts[0].html
    assert all(post.slug != "no-date" for post in posts)


def test_search_wants_every_word_and_shows_where_the_first_stands(tmp_path: Path) -> None:
    (tmp_path / "2999-01-02-a.md").write_text("# Boats\n\n" + "sand " * 100 + "a red boat")
    found = Documents(tmp_path).search("red boat")
    assert [(document.title, address) for document, address, _ in found] == [("Boats", "/blog/a")]
    assert "red boat" in found[0][2]
    assert Documents(tmp_path).search("red submarine") == []
    assert Documents(tmp_path).search("  ") == []
