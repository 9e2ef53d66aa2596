"""Text as the catalogue keeps it: trimmed, in one Unicode form, without mark-up."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from html.entities import html5

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Characters that nobody sees at the ends of a text. str.strip() knows white space, not
# the zero-width characters, the marks of writing direction and the byte order mark.
INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
BLANK = "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + INVISIBLE


def names(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


# The elements of HTML that shops export: anything else in angle brackets is text.
BLOCKS = names(
    "address article aside blockquote body caption center dd details div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header html li main nav ol p "
    "pre section summary table tbody td tfoot th thead tr ul"
)
INLINE = names(
    "a abbr b bdi bdo big button cite code del dfn em font i ins kbd label mark q s "
    "samp small span strike strong sub sup time tt u var video audio object"
)
SINGLE = names("br hr img input link meta source wbr")
ALONE = names("br hr wbr")  # which have no attribute that anybody needs
NO_TEXT = names("head iframe noscript script style template title")


def either_case(elements: frozenset[str]) -> str:
    """Return the pattern of the names in small letters or in capitals."""
    return "|".join([*sorted(elements), *sorted(name.upper() for name in elements)])


NAMES = either_case(BLOCKS | INLINE | SINGLE | NO_TEXT)

# The attributes of HTML that its elements have in shops' exports.
ATTRIBUTES = "|".join(
    sorted(
        names(
            "abbr align alt bgcolor border cellpadding cellspacing charset cite class clear "
            "color cols colspan content data datetime dir face for height href hreflang id "
            "lang loading media name rel rowspan rows size sizes src srcset start style "
            "summary tabindex target title type usemap valign value width"
        )
    )
)

# HTML lets these be left open: the next one of the same kind closes the last.
UNCLOSED = names("body dd dt html li p tbody td tfoot th thead tr")

# A text is HTML when something in it can be nothing else: a closing tag, a tag with an
# attribute of HTML or a value in quotes, a line break, a comment, two paragraphs or items
# in a row, or a block at its very beginning. "Size < 5 & > 3" is text, and so are "How to
# use the <table> element", "Reads <input>", "<Time> management" and "a <b and c = d>".
MARKUP = re.compile(
    rf"</(?i:{NAMES})\s*>"
    rf"|<(?:{NAMES})\s(?=[^<>]*>)(?:[^<>]*\s)?"
    rf"(?:(?i:{ATTRIBUTES}|(?:data|aria)-[\w-]+|on[a-z]+)\s*=|[A-Za-z][\w:.-]*=[\"'])"
    rf"|<(?i:{'|'.join(sorted(ALONE))})\s*/?>"
    r"|<(?i:p|li)>[^<]*<(?i:p|li)>"
    rf"|<!--|\A\s*<(?:{either_case(BLOCKS)})\s*/?>"
)
TAG = re.compile(r"<(/?)([a-z][^\s/>]*)", re.IGNORECASE)
ENTITY = re.compile(
    r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)

# A parser's work grows with the square of these. Descriptions of real shops nest some
# twenty elements; 20,000 characters of text, which is what fits, take less than this.
MAX_HTML = 200_000
MAX_DEPTH = 60

# Where a browser begins a new line.
NEW_LINE = BLOCKS | {"br", "hr"}


class HtmlTooComplex(ValueError):
    """The mark-up would take too long to read."""


def tidy(text: str) -> str:
    """Return a text without white space around it, in Unicode's form NFC."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFC", text).strip(BLANK)


def is_html(text: str) -> bool:
    """Return whether a text has mark-up of HTML, and not only a "<" or a "&"."""
    return "<" in text and MARKUP.search(text) is not None


def plain_text(text: str) -> str:
    """Return the text that a browser would show; what is not HTML stays as it is.

    Blocks, rows and line breaks become lines; the words of scripts and styles are left
    out; entities such as &amp; become characters, also where there are no tags. Raises
    HtmlTooComplex for mark-up beyond MAX_HTML and MAX_DEPTH.
    """
    if "<" not in text and "&" not in text:
        return text
    if is_html(text):
        return text_of_html(text)
    decoded = ENTITY.sub(character, text)
    # Some exports escape all of their HTML: &lt;p&gt;Text&lt;/p&gt;
    return text_of_html(decoded) if is_html(decoded) else decoded


def as_import_reads(text: str) -> str:
    """Return what plain_text() makes *text* of: itself, but for what looks like HTML.

    Such a text is written as HTML, or with its "&" as entities or in <pre> where <p>
    would lose blanks and empty lines of it.
    """
    if "<" not in text and "&" not in text:
        return text
    escaped = html.escape(text, quote=False)
    ways = (
        text,
        "<p>" + escaped.replace("\n", "<br>") + "</p>",
        text.replace("&", "&amp;"),
        "<pre>" + escaped.replace("\r", "&#13;") + "</pre>",
    )
    return next((way for way in ways if is_read_as(way, text)), ways[-1])


def is_read_as(written: str, text: str) -> bool:
    """Return whether an import makes *text* of what is written, but for its ends."""
    try:
        return tidy(plain_text(tidy(written))) == tidy(text)
    except HtmlTooComplex:
        return False


def character(entity: re.Match[str]) -> str:
    """Return the character of an entity; a name that HTML does not know stays."""
    # html.unescape() alone makes "&lifier;" of "&amplifier;".
    known = entity[0][1] == "#" or entity[0][1:] in html5
    return html.unescape(entity[0]) if known else entity[0]


def text_of_html(markup: str) -> str:
    """Return the text of HTML, one line for each block that has text."""
    if len(markup) > MAX_HTML or depth(markup) > MAX_DEPTH:
        raise HtmlTooComplex
    tree = LexborHTMLParser(markup)
    tree.strip_tags(sorted(NO_TEXT))
    lines: list[str] = [""]
    kept: set[int] = set()  # lines inside <pre>, whose blanks count
    block = None
    for node in tree.body.traverse(include_text=True) if tree.body else ():
        if node.tag in NEW_LINE:
            lines.append("")
        elif node.tag == "-text":
            if block_around(node) != block:
                lines.append("")
                block = block_around(node)
            text = node.text_content or ""
            if is_preformatted(node):
                first = len(lines) - 1
                lines[first:] = (lines[first] + text).split("\n")
                kept.update(range(first, len(lines)))
            else:
                lines[-1] += text.replace("\u00ad", "")
    words = {
        number: line if number in kept else " ".join(line.split())
        for number, line in enumerate(lines)
    }
    return "\n".join(
        line for number, line in words.items() if number in kept or line.strip(BLANK)
    )


def is_preformatted(node: LexborNode) -> bool:
    """Return whether a node stands inside <pre>."""
    above = node.parent
    while above is not None and above.tag != "pre":
        above = above.parent
    return above is not None


def block_around(node: LexborNode) -> int | None:
    """Return the number of the block that a node stands in, None outside of all."""
    above = node.parent
    while above is not None and above.tag not in BLOCKS:
        above = above.parent
    return above.mem_id if above is not None else None


def depth(markup: str) -> int:
    """Return how many elements are open at once, at most.

    A guess: an element that is never closed counts to the end, and a closing tag of none
    that is open counts for nothing.
    """
    open_now: Counter[str] = Counter()
    level = deepest = 0
    for closing, name in TAG.findall(markup.lower()):
        if name in SINGLE | UNCLOSED or (closing and not open_now[name]):
            continue
        step = -1 if closing else 1
        open_now[name] += step
        level += step
        deepest = max(deepest, level)
    return deepest
