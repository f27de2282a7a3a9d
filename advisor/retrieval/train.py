"""Train the retriever's encoder on the questions beside the guidance: `make train-retriever`, eight minutes.

Contrastive: a question lies near the section and the sentences that answer it and far from those of others in the batch
(Henderson et al., "Efficient Natural Language Response Suggestion", 2017); near misses lie far from everything.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from transformers import AutoModel, AutoTokenizer

from advisor.deltas import difference
from advisor.models import RETRIEVER, packaged_embeddings
from advisor.retrieval.documents import Section, read_documents
from advisor.retrieval.index import whole
from advisor.settings import KNOWLEDGE
from advisor.training import descend
from advisor.understanding.normalise import Normaliser

STEPS, BATCH, RATE = 350, 32, 5e-5
SECTION_TOKENS, TOKENS = 96, 64  # the beginning of a section tells what it is about
TEMPERATURE = 0.05
NEAR_MISSES, FAR = 8, 0.3  # in a batch, and the cosine that they are pushed below
LOWER_CASE = 0.2  # share of questions
RANK = 32  # of a stored matrix


@dataclass(frozen=True)
class Asked:
    """A question, the section that answers it, and the numbers of the sentences that do; none for a near miss."""

    text: str
    section: Section
    sentences: tuple[int, ...]


def read_questions(folder: Path, sections: list[Section]) -> list[Asked]:
    """Read the questions of a folder, one file for each document.

    Raises:
        ValueError: a question names a section or a sentence that is not there.
    """
    known = {(Path(section.document).stem, section.heading): section for section in sections}
    found = []
    for path in sorted(folder.glob("*.yaml")):
        for heading, rows in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader).items():
            section = known.get((path.stem, heading))
            for row in rows:
                if section is None or any(n >= len(section.units) for n in row["sentences"]):
                    raise ValueError(f"{path.name}: {heading!r} has no such sentence for {row['q']!r}")
                found.append(Asked(row["q"], section, tuple(row["sentences"])))
    return found


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


def train(seed: int, steps: int) -> Path:
    """Train, and write the encoder's difference from the packaged one."""
    sections, _ = read_documents(KNOWLEDGE)
    normaliser = Normaliser(KNOWLEDGE / "phrases", packaged_embeddings())
    asked = read_questions(KNOWLEDGE / "questions", sections)
    answered = [question for question in asked if question.sentences]
    answered += [Asked(text, section, ()) for section in sections for text in section.asks]
    misses = [question.text for question in asked if not question.sentences]
    torch.manual_seed(seed)
    rng = random.Random(seed)
    encoder = Encoder(packaged_embeddings())
    before = {name: weights.clone() for name, weights in encoder.model.state_dict().items()}
    weights = [p for p in encoder.model.parameters() if p.requires_grad]
    encoder.model.train()
    batches = _batches(answered, rng)
    descend(
        [{"params": weights, "lr": RATE}],
        lambda: _loss(encoder, next(batches), rng.sample(misses, NEAR_MISSES), normaliser, rng),
        steps,
        f"seed {seed}",
    )
    save_file(difference(encoder.model.state_dict(), before, RANK), str(RETRIEVER))
    RETRIEVER.chmod(0o644)
    return RETRIEVER


def _batches(answered: list[Asked], rng: random.Random) -> Iterator[list[Asked]]:
    while True:
        pool = rng.sample(answered, len(answered))
        yield from (pool[i : i + BATCH] for i in range(0, len(pool) - BATCH + 1, BATCH))


def _loss(
    encoder: Encoder, batch: list[Asked], misses: list[str], normaliser: Normaliser, rng: random.Random
) -> Tensor:
    def query(text: str) -> str:
        text = normaliser.gloss(text)
        return text.lower() if rng.random() < LOWER_CASE else text

    sections = [question.section for question in batch]
    queries = encoder([query(question.text) for question in batch])
    right = [rng.choice(q.sentences) if q.sentences else 0 for q in batch]
    texts = encoder([whole(section) for section in sections], SECTION_TOKENS)
    units = encoder([section.units[n] for section, n in zip(sections, right, strict=True)])
    twins = torch.tensor([[a is b and i != j for j, b in enumerate(sections)] for i, a in enumerate(sections)])
    gold = torch.arange(len(batch))
    loss = torch.zeros(())
    for targets in (texts, units):
        likeness = (queries @ targets.T / TEMPERATURE).masked_fill(twins, -1e4)
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
    options = parser.parse_args()
    print(f"wrote {train(options.seed, options.steps)}")
