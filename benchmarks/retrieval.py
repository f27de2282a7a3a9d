"""What each part of retrieval pays, beside a stock pipeline in the same run: `make ablation` writes retrieval.md.

A text counts for a question by the share of the right answer's points that it holds. recall@5 is the share of points
that the first five texts hold together, nDCG@5 their order against the best one (Järvelin and Kekäläinen, 2002).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection, Sequence
from math import log2
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from advisor.advisor import Advisor
from advisor.answering.chain import context_of
from advisor.answering.extractive import compose
from advisor.evaluation.cases import Case, load_cases
from advisor.evaluation.questions import points_held
from advisor.models import load_embeddings, packaged_embeddings
from advisor.retrieval.index import Entry, all_entries
from advisor.retrieval.lexical import Lexicon
from advisor.retrieval.likeness import likenesses
from advisor.retrieval.retriever import LEXICAL_WEIGHT, Passage, in_context
from advisor.settings import KNOWLEDGE, Settings
from advisor.understanding.normalise import Normaliser

ROOT = Path(__file__).resolve().parent.parent
TOP = 5
STOCK_CHARACTERS, STOCK_OVERLAP = 1000, 200
RRF = 60  # constant of reciprocal rank fusion (Cormack et al., 2009)

Ranking = list[str]  # texts, best first
Rank = Callable[[int], list[Passage]]  # the number of a case → sections, best first


class Row(NamedTuple):
    """Figures of one way to retrieve; `answer` is the share of points in the quoted answer made of it."""

    name: str
    first: float
    recall: float
    ndcg: float
    answer: float | None


def figures(
    name: str, cases: Sequence[Case], rankings: Sequence[Ranking], gains: Sequence[dict[str, list[bool]]],
    answers: Sequence[str] | None = None,
) -> Row:  # fmt: skip
    """Return the figures of one way.

    Args:
        rankings: the texts that each case finds.
        gains: for each case, the points that each text holds.
        answers: the quoted answers made of them.
    """

    def held(texts: Ranking, of: dict[str, list[bool]]) -> float:
        return mean(any(of[text][p] for text in texts) for p in range(len(next(iter(of.values())))))

    def dcg(values: Sequence[float]) -> float:
        return sum(value / log2(rank + 2) for rank, value in enumerate(values[:TOP]))

    ndcg = []
    for ranking, of in zip(rankings, gains, strict=True):
        shares = {text: mean(points) for text, points in of.items()}
        best = dcg(sorted(shares.values(), reverse=True))
        ndcg.append(dcg([shares[text] for text in ranking]) / best if best else 0.0)
    pairs = list(zip(rankings, gains, strict=True))
    return Row(
        name,
        mean(held(ranking[:1], of) for ranking, of in pairs),
        mean(held(ranking[:TOP], of) for ranking, of in pairs),
        mean(ndcg),
        mean(mean(points_held(text, case)) for text, case in zip(answers, cases, strict=True)) if answers else None,
    )


class Lab:
    """Everything embedded once by one model, so that parts of it can be left out."""

    def __init__(self, embeddings: HuggingFaceEmbeddings, entries: list[Entry], queries: list[tuple[str, str]]) -> None:
        self.entries = entries
        vectors = np.asarray(embeddings.embed_documents([entry.text for entry in entries]))
        self.cosines = np.asarray([in_context(embeddings, *query) for query in queries]) @ vectors.T

    def dense(self, case: int, kinds: Collection[str]) -> dict[str, tuple[float, dict[int, float]]]:
        """Return each section's likeness to a case's question, by these kinds of entries alone."""
        kept = [
            (entry, float(c)) for entry, c in zip(self.entries, self.cosines[case], strict=True) if entry.kind in kinds
        ]
        return {section: (like.section, like.units) for section, like in likenesses(kept).items()}  # fmt: skip


def main() -> None:
    cases = [case for case in load_cases(ROOT / "tests/cases/questions.jsonl") if case["answerable"]]
    normaliser = Normaliser(KNOWLEDGE / "phrases", packaged_embeddings())
    advisor = Advisor(Settings())
    by_id = {section.id: section for section in advisor.sections}
    answered, _ = advisor.questions(normaliser)
    entries = list(all_entries(advisor.sections, answered, ()))
    queries = []
    for case in cases:
        history = [(role, text) for role, text in case.get("history", [])]
        queries.append((normaliser.gloss(case["question"]), normaliser.gloss(context_of(case["question"], history))))
    lexicon = Lexicon(by_id)
    words = [lexicon.scores(f"{context} {query}") for query, context in queries]
    gains = [{section.text: points_held(section.text, case) for section in advisor.sections} for case in cases]

    plain = HuggingFaceEmbeddings(
        model_name=packaged_embeddings(), encode_kwargs={"normalize_embeddings": True, "batch_size": 64}
    )
    trained = load_embeddings(Settings())
    assert isinstance(trained, HuggingFaceEmbeddings)
    untaught, taught = Lab(plain, entries, queries), Lab(trained, entries, queries)

    def sections(scored: dict[str, float], units: dict[str, dict[int, float]]) -> list[Passage]:
        best = sorted(scored, key=lambda id_: -scored[id_])[:TOP]
        return [Passage(by_id[id_], {"score": scored[id_], "units": units[id_]}) for id_ in best]

    def way(lab: Lab, kinds: Collection[str], lexical: float = 0.0, fuse: bool = False) -> Rank:
        def rank(case: int) -> list[Passage]:
            dense = lab.dense(case, {*kinds, "sentence"})  # sentences are always scored, to choose among them
            found = lab.dense(case, kinds)
            score = {id_: found[id_][0] + lexical * words[case].get(id_, 0.0) for id_ in found}
            if fuse:
                ranks = [sorted(found, key=lambda id_: -of(id_)) for of in (
                    lambda id_: found[id_][0], lambda id_: words[case].get(id_, 0.0))]  # fmt: skip
                score = {id_: sum(1 / (RRF + order.index(id_)) for order in ranks) for id_ in found}
            return sections(score, {id_: dense[id_][1] for id_ in found})

        return rank

    everything = ("section", "ask", "sentence", "question")
    ways: dict[str, Rank] = {
        "BM25 alone": lambda case: sections(
            {id_: words[case].get(id_, 0.0) for id_ in by_id}, {id_: {} for id_ in by_id}
        ),
        "sections": way(untaught, ("section",)),
        "+ titles they are asked for by": way(untaught, ("section", "ask")),
        "+ sentences (small to big)": way(untaught, ("section", "ask", "sentence")),
        "+ questions they answer": way(untaught, everything),
        "+ trained encoder": way(taught, everything),
        "+ BM25 at a small weight (what is shipped)": way(taught, everything, LEXICAL_WEIGHT),
        "BM25 fused by rank instead (RRF)": way(taught, everything, fuse=True),
        "trained encoder without the questions": way(taught, ("section", "ask", "sentence"), LEXICAL_WEIGHT),
    }
    rows = [_stock(plain, cases, [f"{context} {query}".strip() for query, context in queries])]
    for name, rank in ways.items():
        found = [rank(i) for i in range(len(cases))]
        composed = [compose(query, passages) for (query, _), passages in zip(queries, found, strict=True)]
        answers = None if name == "BM25 alone" else [" ".join(claim.text for claim in claims) for claims in composed]
        rows.append(figures(name, cases, [[p.section.text for p in ps] for ps in found], gains, answers))
    report = _report(rows, len(cases), len(advisor.sections), len(entries))
    (Path(__file__).parent / "retrieval.md").write_text(report, encoding="utf-8")
    print(report)


def _stock(embeddings: HuggingFaceEmbeddings, cases: list[Case], queries: list[str]) -> Row:
    """Return the figures of the quick-start way: 1,000 characters a chunk, the plain model, nearest first."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(KNOWLEDGE.glob("*.md"))]
    texts = [re.sub(r"(?s)<!--.*?-->|\A---.*?---", "", text) for text in texts]
    splitter = RecursiveCharacterTextSplitter(chunk_size=STOCK_CHARACTERS, chunk_overlap=STOCK_OVERLAP)
    chunks = list(dict.fromkeys(chunk for text in texts for chunk in splitter.split_text(text)))
    near = np.asarray(embeddings.embed_documents(queries)) @ np.asarray(embeddings.embed_documents(chunks)).T
    rankings = [[chunks[i] for i in np.argsort(-row)[:TOP]] for row in near]
    gains = [{chunk: points_held(chunk, case) for chunk in chunks} for case in cases]
    return figures("stock: 1,000 characters, plain MiniLM", cases, rankings, gains)


def _report(rows: list[Row], cases: int, sections: int, entries: int) -> str:
    lines = [
        "# What retrieval pays, part by part",
        "",
        f"Written by `make ablation` on {datetime.date.today()}: {cases} questions of `tests/cases`,",
        f"{sections} sections, {entries:,} entries. Points are those of the right answer, found by patterns. Each row",
        "adds to the one before unless it says otherwise.",
        "",
        "| way | points in the first text | recall@5 | nDCG@5 | points in the answer |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        answer = "" if row.answer is None else f"{row.answer:.3f}"
        lines.append(f"| {row.name} | {row.first:.3f} | {row.recall:.3f} | {row.ndcg:.3f} | {answer} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
