"""Which files of a folder are guidance, and a sentence for each that is not."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from advisor.retrieval.loaders import SUFFIXES

QUESTIONS = "questions"  # below a folder: what is asked about its documents


def files_in(folder: Path) -> tuple[list[Path], list[str]]:
    """Find the files below a folder that can be guidance.

    Hidden files and folders are left out. Links to folders are not followed; a link to a file is, as long as it stays
    inside the folder.

    Returns:
        The files in the order of their paths, and a sentence for what is left out.
    """
    root = folder.resolve()
    found: dict[Path, Path] = {}
    skipped: list[str] = []
    others: Counter[str] = Counter()

    def unreadable(error: OSError) -> None:
        place = Path(error.filename).relative_to(folder).as_posix()
        skipped.append(f"{place}: the folder may not be read; change its permissions")

    links: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links += [path for name in folders if (path := Path(place) / name).is_symlink()]
        for name in files:
            path = Path(place) / name
            if name.startswith("."):
                continue
            if path.is_symlink():
                links.append(path)
            elif path.parent == folder / QUESTIONS and path.suffix == ".csv":
                continue
            elif path.suffix.lower() not in SUFFIXES:
                others[path.suffix.lower() or "without a suffix"] += 1
            elif path.is_file():
                found[path.resolve()] = path
    for path in links:
        name = path.relative_to(folder).as_posix()
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
            skipped.append(f"{name}: is a link that leads nowhere; remove it")
            continue
        if not target.is_relative_to(root):
            skipped.append(f"{name}: is a link that leads out of the folder; copy what it leads to")
        elif target.is_file() and path.suffix.lower() in SUFFIXES:
            found.setdefault(target, path)
    if others:
        count, kinds = sum(others.values()), ", ".join(sorted(others))
        skipped.append(f"{count} {'file' if count == 1 else 'files'} of other kinds left out: {kinds}")
    return sorted(found.values(), key=lambda path: path.relative_to(folder).as_posix()), skipped
