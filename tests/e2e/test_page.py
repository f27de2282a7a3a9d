"""The page in a real browser, as its users meet it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import ROOT

ARTIFACTS = ROOT / "artifacts"
CASE = (
    "We are a law firm with ten years of case documents and memos. New memos are filed every day. "
    "Our lawyers look up precedents in them, and every answer must cite its source."
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*quiet, "--disable-sync"])
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 860, "light"), (390, 844, "dark")], ids=["desktop", "phone"])
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else problems.append(r.url))
    page.goto(f"{url}/?__theme={scheme}")
    page.wait_for_selector("#message textarea")
    yield page
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{request.node.name}.png".replace("[", "-").replace("]", ""), full_page=True)
    context.close()
    assert problems == [], "errors in the console, or requests to other hosts"


def send(page: Page, text: str) -> None:
    page.fill("#message textarea", text)
    page.press("#message textarea", "Enter")


def replies(page: Page) -> int:
    return page.locator("#chat .bot.message").count()


def quick_replies(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#chat .options .option").all_inner_texts()]


def test_from_a_paragraph_to_a_recommendation(page: Page) -> None:
    chat, side = page.locator("#chat"), page.locator("#side")
    expect(side).to_contain_text("Nothing is decided yet")

    send(page, CASE)
    expect(chat).to_contain_text("Here is what I understood", timeout=30_000)
    expect(chat).to_contain_text("the knowledge changes often")
    expect(side.locator("h2")).to_have_text("RAG")

    send(page, "Isn't RAG slower?")
    expect(chat).to_contain_text(re.compile("RAG is .*slower"), timeout=30_000)
    expect(chat).to_contain_text("Back to my question")
    chat.get_by_role("button", name="Sources").last.click()
    expect(chat).to_contain_text("common-questions.md")

    for _ in range(5):
        if chat.get_by_text("My recommendation").count():
            break
        before = replies(page)
        page.locator("#chat .options .option").first.click()
        page.wait_for_function(f"document.querySelectorAll('#chat .bot.message').length > {before}")
        page.wait_for_timeout(500)
    expect(chat).to_contain_text("My recommendation: ", timeout=30_000)
    expect(chat).to_contain_text("What would change it")
    expect(chat).to_contain_text("What to do first")
    expect(chat).to_contain_text("[1]")


def test_an_answer_changed_on_the_board_goes_on_in_the_chat(page: Page) -> None:
    chat, side = page.locator("#chat"), page.locator("#side")
    page.locator("#answers button").first.click()
    page.get_by_label("How it behaves").check()
    expect(chat).to_contain_text("Noted: it must behave a certain way", timeout=30_000)
    expect(side.locator("h2")).to_have_text("Fine-tuning")
    page.get_by_label("Facts it looks up").check()
    expect(chat).to_contain_text("Changed: it must get facts right", timeout=30_000)
    expect(side.locator("h2")).to_have_text("RAG")


def test_markup_in_a_message_is_shown_as_typed(page: Page) -> None:
    send(page, "Our prices change daily <img src=x onerror=alert(1)> **bold** <script>alert(2)</script>")
    expect(page.locator("#chat")).to_contain_text("the knowledge changes often", timeout=30_000)
    assert page.locator("#chat .bot img[src='x']").count() == 0
    assert page.locator("#chat script").count() == 0


def test_clearing_the_chat_clears_the_case(page: Page) -> None:
    send(page, "Our prices change daily.")
    expect(page.locator("#side h2")).to_have_text("RAG", timeout=30_000)
    page.get_by_label("Clear").click()
    expect(page.locator("#side")).to_contain_text("Nothing is decided yet")
    send(page, "hello")
    expect(page.locator("#chat")).to_contain_text("mainly have to get right", timeout=30_000)
    expect(page.locator("#side")).to_contain_text("Nothing is decided yet")


def test_an_example_starts_a_case(page: Page) -> None:
    page.locator("#chat button.example").first.click()
    expect(page.locator("#chat")).to_contain_text("the knowledge changes often", timeout=30_000)


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    send(page, CASE)
    expect(page.locator("#chat")).to_contain_text("Here is what I understood", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_scorecard_is_a_page_of_its_own(page: Page) -> None:
    page.get_by_role("link", name="How good is it?").click()
    expect(page.locator("#scorecard h1")).to_have_text("Scorecard", timeout=30_000)
    expect(page.locator("#scorecard table").first).to_contain_text("unanswerable declined")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("link", name="Back to the chat").click()
    page.wait_for_selector("#message textarea")
