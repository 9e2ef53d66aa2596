"""Text out of HTML and out of untidy cells; text that only looks like HTML stays."""

import time

import pytest

from products.plain_text import HtmlTooComplex, as_import_reads, plain_text, tidy


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>two</p>", "One\ntwo"),
        ("One<br>two<br/>three", "One\ntwo\nthree"),
        ("One<p>two<p>three", "One\ntwo\nthree"),
        ("<p>H<b>ell</b>o</p>", "Hello"),
        ("<ul><li>A<li>B</ul>", "A\nB"),
        ("<table><tr><td>Size</td><td>L</td></tr></table>", "Size\nL"),
        ("<P CLASS=x>Caps</P>", "Caps"),
        ("<div>\n  a\n  b </div>", "a b"),
        ("<ul><li>&nbsp;</li><li>A&nbsp;B</li></ul>", "A B"),
        ("<p>Kaffee&shy;maschine</p>", "Kaffeemaschine"),
        ("<p>1 &lt; 2 &amp; 3 &gt; 2</p>", "1 < 2 & 3 > 2"),
        ("<p>Size < 5 & > 3</p>", "Size < 5 & > 3"),
        ("a<script>var b = '<p>c</p>';</script>d", "ad"),
        ("<style>p { color: red }</style><p>a</p>", "a"),
        ("<p>a</p><!-- b -->", "a"),
        ("<p>Use &lt;b&gt; for bold</p>", "Use <b> for bold"),
        ("&lt;p&gt;All of it escaped&lt;/p&gt;", "All of it escaped"),
        ("R&amp;D, 5 &euro;, &#8364;, &#x20AC;", "R&D, 5 €, €, €"),
        ("<script>alert(1)</script>", ""),
        ("<p>Text", "Text"),
        ("<p>a  b<pre>c  d\n\n e</pre>f  g", "a b\nc  d\n\n e\nf g"),
        ("<B>x</B>", "x"),
        ('<a href="/x">y', "y"),
        ("<img src=x.png>Mug", "Mug"),
        ("<input disabled name=x>Mug", "Mug"),
        ("Mug<HR>Cup", "Mug\nCup"),
    ],
)
def test_html_becomes_what_a_browser_would_show(markup, text):
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    "text",
    [
        "Size < 5 & > 3",
        "R&D",
        "AT&T; B&B;",
        "&nope; &",
        "a <b and c> d",
        "How to use the <table> element",
        "The <p> of HTML",
        "<3 this mug <HDMI>",
        "x<y\n\n  indented",
        "if a<b then c>d",
        "a <b and c = d> e",
        "a <b and c=d> e",
        "Copies files from <source> to <target> & back",
        "Reads <input>, writes <output>",
        "Sizes: <S = 36, M = 38> only",
        "<Time> management",
        "Turntable&amplifier;",
        "black&regular;",
        "https://example.com/?a=1&copy=2&lt=3",
    ],
)
def test_text_that_only_looks_like_html_stays(text):
    assert plain_text(text) == text


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 40_000,
        "<p>" + "<x>" * 40_000 + "<p>" * 20_000,
        "<p>" + "a" * 200_000,
        "<span></i>x" * 9000,
    ],
    ids=["deep", "unknown", "long", "closing another"],
)
def test_html_that_would_take_too_long_is_not_read(markup):
    start = time.process_time()

    with pytest.raises(HtmlTooComplex):
        plain_text(markup)

    assert time.process_time() - start < 2  # reading the first would take 13


def test_tidy_leaves_what_is_inside():
    assert tidy("\u200b a\u00a0 b\u200dc \ufeff") == "a\u00a0 b\u200dc"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Size < 5 & > 3", "Size < 5 & > 3"),
        ("R&D", "R&D"),
        (
            "Use &amp; and <br> in HTML",
            "<p>Use &amp;amp; and &lt;br&gt; in HTML</p>",
        ),
        ("<b>x</b>\ny", "<p>&lt;b&gt;x&lt;/b&gt;<br>y</p>"),
        ("&lt;p&gt;x", "<p>&amp;lt;p&amp;gt;x</p>"),
        ("<b>x</b>\n\n  y", "<pre>&lt;b&gt;x&lt;/b&gt;\n\n  y</pre>"),
        ("two  blanks\n\n&amp;", "two  blanks\n\n&amp;amp;"),
    ],
)
def test_a_text_that_looks_like_html_is_written_so_that_it_comes_back(text, written):
    assert as_import_reads(text) == written
    assert plain_text(written) == text
