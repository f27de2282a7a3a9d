"""Train the retriever's encoder on the questions beside the guidance: `make train-retriever`, half an hour.

Contrastive: a question lies near the section and the sentences that answer it, and near another question that they
answer, and far from those of others in the batch (Henderson et al., "Efficient Natural Language Response Suggestion",
2017). Half of a batch are questions about sections like those of the other half. Questions that nothing answers lie far
from everything.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from transformers import AutoModel, AutoTokenizer

from advisor.deltas import add, difference
from advisor.models import RETRIEVER, packaged_embeddings
from advisor.retrieval.documents import Section, read_documents
from advisor.retrieval.index import whole
from advisor.retrieval.questions import Question, read_questions, read_unanswered
from advisor.settings import KNOWLEDGE
from advisor.training import descend
from advisor.understanding.normalise import Normaliser

STEPS, BATCH, RATE = 1000, 32, 5e-5
SECTION_TOKENS, TOKENS = 96, 64  # the beginning of a section tells what it is about
TEMPERATURE = 0.05
NEAR_MISSES, FAR = 8, 0.3  # in a batch, and the cosine that they are pushed below
LOWER_CASE = 0.2  # share of questions
NEIGHBOURS = 10  # of a section, from which half of a batch is drawn
IGNORED = -100  # by the cross entropy
RANK = 32  # of a stored matrix


class Encoder:
    """The packaged encoder in training."""

    def __init__(self, base: str) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoModel.from_pretrained(base, add_pooling_layer=False)
        self.model.embeddings.requires_grad_(False)

    def __call__(self, texts: list[str], length: int = TOKENS) -> Tensor:
        """Return unit vectors, (texts, width)."""
        tokens = self.tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=length,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        with torch.autocast("cpu", torch.bfloat16):
            states = self.model(**tokens).last_hidden_state.float()
        mask = tokens.attention_mask.unsqueeze(-1).float()
        return F.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)


def train(seed: int, steps: int, rate: float = RATE, *, further: bool = False) -> Path:
    """Train, and write the encoder's difference from the packaged one.

    Args:
        further: begin with what was learned before.
    """
    sections, _ = read_documents(KNOWLEDGE)
    normaliser = Normaliser(KNOWLEDGE / "phrases", packaged_embeddings())
    answered, _ = read_questions(KNOWLEDGE, sections)
    answered += [Question(text, section, ()) for section in sections for text in (section.heading, *section.asks)]
    misses = read_unanswered(KNOWLEDGE)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    encoder = Encoder(packaged_embeddings())
    before = {name: weights.clone() for name, weights in encoder.model.state_dict().items()}
    if further:
        learned = encoder.model.state_dict()
        add(learned, load_file(RETRIEVER))
        encoder.model.load_state_dict(learned)
    weights = [p for p in encoder.model.parameters() if p.requires_grad]
    encoder.model.train()
    batches = _batches(answered, _neighbours(encoder, sections), rng)
    descend(
        [{"params": weights, "lr": rate}],
        lambda: _loss(encoder, next(batches), rng.sample(misses, NEAR_MISSES), normaliser, rng),
        steps,
        f"seed {seed}",
    )
    save_file(difference(encoder.model.state_dict(), before, RANK), str(RETRIEVER))
    RETRIEVER.chmod(0o644)
    return RETRIEVER


@torch.inference_mode()
def _neighbours(encoder: Encoder, sections: list[Section]) -> dict[str, list[str]]:
    """Return for each section those most like it before training, by id."""
    vectors = torch.cat([encoder([whole(s)], SECTION_TOKENS) for s in sections])
    ranked = (vectors @ vectors.T).argsort(dim=1, descending=True)[:, 1 : NEIGHBOURS + 1].tolist()
    return {section.id: [sections[i].id for i in row] for section, row in zip(sections, ranked, strict=True)}


def _batches(
    answered: list[Question], neighbours: dict[str, list[str]], rng: random.Random
) -> Iterator[list[tuple[Question, Question]]]:
    """Yield pairs: a question, and another with the same answer, or itself where there is none."""
    by_section: dict[str, list[Question]] = defaultdict(list)
    for question in answered:
        by_section[question.section.id].append(question)

    def pair(question: Question) -> tuple[Question, Question]:
        others = [q for q in by_section[question.section.id] if set(q.sentences) & set(question.sentences)]
        return question, rng.choice([q for q in others if q is not question] or [question])

    while True:
        pool = rng.sample(answered, len(answered))
        for i in range(0, len(pool) - BATCH // 2 + 1, BATCH // 2):
            seeds = pool[i : i + BATCH // 2]
            near = [rng.choice(by_section[rng.choice(neighbours[seed.section.id])]) for seed in seeds]
            yield [pair(question) for question in seeds + near]


def _loss(
    encoder: Encoder,
    pairs: list[tuple[Question, Question]],
    misses: list[str],
    normaliser: Normaliser,
    rng: random.Random,
) -> Tensor:
    def query(text: str) -> str:
        text = normaliser.gloss(text)
        return text.lower() if rng.random() < LOWER_CASE else text

    batch = [question for question, _ in pairs]
    sections = [question.section for question in batch]
    queries = encoder([query(question.text) for question in batch])
    right = [rng.choice(q.sentences) if q.sentences else 0 for q in batch]
    texts = encoder([whole(section) for section in sections], SECTION_TOKENS)
    units = encoder([section.units[n] for section, n in zip(sections, right, strict=True)])
    twins = torch.tensor([[a is b and i != j for j, b in enumerate(sections)] for i, a in enumerate(sections)])
    alike = encoder([query(other.text) for _, other in pairs])
    alone = torch.tensor([question is other for question, other in pairs])
    gold = torch.arange(len(batch))
    loss = torch.zeros(())
    for targets in (texts, units, alike):
        likeness = (queries @ targets.T / TEMPERATURE).masked_fill(twins, -1e4)
        if targets is alike:  # a question without a pair teaches nothing here
            gold = gold.masked_fill(alone, IGNORED)
        loss = loss + F.cross_entropy(likeness, gold) + 0.3 * F.cross_entropy(likeness.T, gold)
    # sentences of the same section that do not answer
    others = [
        (i, rng.choice(rest))
        for i, q in enumerate(batch)
        if q.sentences and (rest := [unit for n, unit in enumerate(q.section.units) if n not in q.sentences])
    ]
    if others:
        rows = [i for i, _ in others]
        beside = encoder([unit for _, unit in others])
        lead = ((queries[rows] * units[rows]).sum(-1) - (queries[rows] * beside).sum(-1)) / TEMPERATURE
        loss = loss + 0.5 * F.softplus(-0.5 * lead).mean()
    far = encoder([query(text) for text in misses]) @ torch.cat([texts, units]).T
    return loss + 2 * F.relu(far - FAR).amax(1).mean()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the retriever's encoder.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--further", action="store_true", help="begin with what was learned before")
    options = parser.parse_args()
    print(f"wrote {train(options.seed, options.steps, options.rate, further=options.further)}")
