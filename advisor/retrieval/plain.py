"""Plain text → Markdown: headings are recognised, wrapped lines are joined, lists and table rows keep their lines."""

from __future__ import annotations

import re
from itertools import groupby, pairwise

MAX_HEADING_WORDS = 12
MAX_HEADING = 90  # characters

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_MARKDOWN = re.compile(r"^#{1,6}\s+\S", re.MULTILINE)
_UNDERLINE = re.compile(r"(={3,}|-{3,}|~{3,})")
_RULE = re.compile(r"[\s|:+-]*-{2,}[\s|:+-]*")
_BULLET = re.compile(r"([-*+•▪◦‣·–])(?:\s+(.*))?")
_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2})*[.)]?\s+(?=[A-ZÀ-Þ])")
_ITEM = re.compile(r"(?:[-*+•]|\d{1,2}[.)])\s+")
_SENTENCE_END = (".", "!", "?", ":", "…")
_NUMBER = re.compile(r"\d{1,2}[.)]\s")


def to_markdown(text: str) -> str:
    """Return plain text as Markdown.

    Args:
        text: as read from a file. Text that has Markdown headings is only tidied.
    """
    text = tidy(text)
    if _MARKDOWN.search(text):
        return text
    blocks = _blocks(text.split("\n"))
    return "\n".join(_joined(_with_headings(blocks))).strip()


def tidy(text: str) -> str:
    """Return text with plain line ends and spaces, without invisible characters."""
    text = text.translate(_INVISIBLE).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    return "\n".join(re.sub(r"[^\S\n]+", " ", line).strip() if line.strip() else "" for line in text.split("\n"))


def is_heading_like(line: str) -> bool:
    """Tell whether a line that stands alone reads like a heading."""
    words = line.split()
    if (
        not 1 <= len(words) <= MAX_HEADING_WORDS
        or len(line) > MAX_HEADING
        or not (line[-1].isalnum() or line[-1] in "?)%’'")
    ):
        return False
    bare = _NUMBERED.sub("", line)
    return bool(re.match(r"[A-ZÀ-Þ0-9¿“\"‘']", bare)) and bool(re.search(r"[^\W\d_]{2}", bare)) and "|" not in line


def _blocks(lines: list[str]) -> list[str]:
    """Return paragraphs, list items, table rows and candidates for headings, each as one line."""
    wrapped = _is_wrapped(lines)
    blocks: list[str] = []
    is_open = False  # the block before may go on in this line
    marked = False  # a bullet stood alone on the line before
    for i, line in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else ""
        bullet = _BULLET.fullmatch(line)
        if _UNDERLINE.fullmatch(line) and blocks and is_open and len(blocks[-1]) <= MAX_HEADING:
            blocks[-1] = f"{'#' if line[0] == '=' else '##'} {blocks[-1]}"
            is_open = False
        elif not line:
            is_open = False
        elif line.count("|") >= 2 or ("|" in line and _RULE.fullmatch(line)):
            cells = line.strip("| ").split("|")
            blocks.append("| " + " | ".join(cell.strip() for cell in cells) + " |")
            is_open = False
        elif _RULE.fullmatch(line) and not bullet:
            is_open = False
        elif bullet and not bullet[2]:
            marked = bool(following)
            is_open = False
        elif bullet or marked:
            blocks.append(f"- {bullet[2] if bullet else line}")
            is_open, marked = wrapped, False
        elif is_open and not _ITEM.match(line):
            blocks[-1] += " " + line
        else:
            blocks.append(line)
            is_open = wrapped or bool(_UNDERLINE.fullmatch(following))
    return [block for block, _ in groupby(blocks)]  # what is said twice in a row is said once


def _is_wrapped(lines: list[str]) -> bool:
    """Tell whether line ends stand in the middle of sentences, or each line is a paragraph of its own."""
    pairs = [(line, after) for line, after in pairwise(lines) if line and after]
    running = [line for line, after in pairs if not _ITEM.match(after) and "|" not in line and len(line.split()) > 4]
    if not running or max(len(line) for line in lines) > 200:
        return False
    return sum(not line.endswith((".", "!", "?", ":")) for line in running) > len(running) / 2


def _with_headings(blocks: list[str]) -> list[str]:
    """Mark the blocks that are headings; three or more short ones in a row are a list of something."""
    result: list[str] = []
    places = range(len(blocks))
    for is_candidate, run in groupby(places, key=lambda i: _is_candidate(blocks, i)):
        group = list(run)
        following = blocks[group[-1] + 1] if group[-1] + 1 < len(blocks) else ""
        leads = (len(following.split()) > 4 or following.endswith(_SENTENCE_END)) and not following.startswith("#")
        for i in group:
            is_title = i == 0
            if is_candidate and (is_title or (leads and (len(group) < 3 or (i == group[-1] and group[0] == 0)))):
                result.append(f"{'#' if is_title else '##'} {_NUMBERED.sub('', blocks[i])}")
            else:
                result.append(blocks[i])
    return result


def _is_candidate(blocks: list[str], i: int) -> bool:
    block = blocks[i]
    if block.startswith(("#", "|")) or re.match(r"[-*+•]\s", block) or not is_heading_like(block):
        return False
    beside = blocks[max(0, i - 1) : i] + blocks[i + 1 : i + 2]
    return not (_NUMBER.match(block) and any(_NUMBER.match(other) for other in beside))  # else a list


def _joined(blocks: list[str]) -> list[str]:
    """Return lines: items and rows follow each other, everything else is parted by an empty line."""
    lines: list[str] = []
    for kind, group in groupby(blocks, key=lambda block: "row" if block.startswith("|") else bool(_ITEM.match(block))):
        for block in group:
            lines += [block] if kind else [block, ""]
        lines += [""] if kind else []
    return lines
