"""Train the reader on the phrases beside the framework: `make train`. Seeded; about nine minutes a seed on two cores.

The weights of several seeds that start from the same heads are averaged (Wortsman et al., "Model soups", 2022).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from advisor.evaluation.cases import Case, load_cases
from advisor.framework import load_framework
from advisor.models import packaged_embeddings
from advisor.settings import Settings, phrases_folder, reader_file
from advisor.training import descend
from advisor.understanding.answers import ACTS, NOT_STATED
from advisor.understanding.calibration import fit_odds
from advisor.understanding.composing import Composer, Example
from advisor.understanding.cues import Cues
from advisor.understanding.model import ENCODER, ReaderModel, load, save
from advisor.understanding.normalise import Normaliser
from advisor.understanding.reader import TextReader

STEPS, BATCH, LENGTH = 2400, 32, 160
RATE, HEAD_RATE, DECAY = 1.5e-4, 2e-3, 0.9  # learning rates; the encoder's falls by DECAY a layer downwards
FURTHER = 0.3  # of those rates when a trained model is trained further
SMOOTHING = 0.05
MASKED = 0.08  # share of tokens hidden in training
ACT_WEIGHT = 2.0
FIRST_WORD = 999  # ids up to here are special tokens and single characters


def train(settings: Settings, seeds: list[int], steps: int, cases: list[Case], *, further: bool = False) -> Path:
    """Train a model for each seed, average them, and write the result beside the framework.

    Args:
        further: go on from the present model, at a lower rate, as after a few new phrases.
        cases: labelled first messages, which the odds of each question are fitted on; nothing is trained on them.
    """
    framework = load_framework(settings.framework)
    composer = Composer(phrases_folder(settings), framework)
    base = packaged_embeddings()
    normaliser = Normaliser(phrases_folder(settings), base)
    heads: dict[str, tuple[str, ...]] = {
        question.id: (NOT_STATED, *question.option_ids) for question in framework.questions
    }
    heads[ACTS] = composer.act_names
    states = []
    for seed in seeds:
        torch.manual_seed(0)  # the same heads to begin with, so that seeds can be averaged
        model = load(reader_file(settings), base, normaliser) if further else ReaderModel(heads, base, normaliser)
        _fit(model, composer, seed, steps, FURTHER if further else 1.0)
        states.append(model.state_dict())
    model.load_state_dict({name: torch.stack([s[name] for s in states]).mean(0) for name in states[0]})
    path = reader_file(settings)
    cues = Cues(phrases_folder(settings) / "act_cues.yaml")
    model.odds = fit_odds(framework, TextReader(framework, cues, model.eval()), cases)
    print("odds", {question: round(odds, 2) for question, odds in model.odds.items()})
    save(model, path, {"seeds": " ".join(map(str, seeds)), "steps": str(steps), "framework": framework.version})
    return path


def _fit(model: ReaderModel, composer: Composer, seed: int, steps: int, pace: float) -> None:
    torch.manual_seed(seed)
    batches = _batches(composer, random.Random(seed))
    model.encoder.embeddings.requires_grad_(False)
    layers = list(model.encoder.encoder.layer)
    groups = [{"params": [p for n, p in model.named_parameters() if not n.startswith(ENCODER)], "lr": pace * HEAD_RATE}]
    groups += [
        {"params": list(layer.parameters()), "lr": pace * RATE * DECAY ** (len(layers) - 1 - i)}
        for i, layer in enumerate(layers)
    ]
    model.train()
    descend(groups, lambda: _loss(model, next(batches)), steps, f"seed {seed}")


def _batches(composer: Composer, rng: random.Random) -> Iterator[list[Example]]:
    """Yield batches of like lengths, which saves padding."""
    while True:
        examples = sorted((composer.draw(rng) for _ in range(8 * BATCH)), key=lambda example: len(example.text))
        batches = [examples[i : i + BATCH] for i in range(0, len(examples), BATCH)]
        rng.shuffle(batches)
        yield from batches


def _loss(model: ReaderModel, examples: list[Example]) -> Tensor:
    ids, mask = model.tokens([example.text for example in examples], LENGTH)
    hidden = (torch.rand(ids.shape) < MASKED) & (ids > FIRST_WORD)
    with torch.autocast("cpu", torch.bfloat16):
        scores = model(ids.masked_fill(hidden, model.tokenizer.mask_token_id), mask)
    loss = torch.zeros(())
    for (name, classes), head in zip(model.heads.items(), scores, strict=True):
        if name == ACTS:
            gold = [-100 if e.act is None else classes.index(e.act) for e in examples]
            if max(gold) >= 0:
                acts = F.cross_entropy(head.float(), torch.tensor(gold), reduction="sum")
                loss = loss + ACT_WEIGHT * acts / len(examples)
        else:
            gold = [-100 if e.answers is None else classes.index(e.answers.get(name) or NOT_STATED) for e in examples]
            if max(gold) >= 0:
                loss = loss + F.cross_entropy(head.float(), torch.tensor(gold), label_smoothing=SMOOTHING)
    return loss


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the reader.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--further", action="store_true", help="go on from the present model")
    parser.add_argument("--cases", type=Path, default=Path("tests/cases/decisions.jsonl"), help="to fit the odds on")
    options = parser.parse_args()
    cases = load_cases(options.cases)
    path = train(Settings.from_environment(), options.seeds, options.steps, cases, further=options.further)
    print(f"wrote {path}")
