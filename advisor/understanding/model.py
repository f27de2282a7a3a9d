"""The reader's model: MiniLM with a small trained delta, and a head for each question and for acts.

Each head looks at the tokens with a query of its own (attention pooling, after Lin et al., "A Structured Self-attentive
Sentence Embedding", 2017) beside their mean. Only the difference from the published weights is stored: matrices as two
thin factors, the rest as it is, in half precision, as safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from advisor.deltas import add, difference

Heads = dict[str, tuple[str, ...]]

MAX_TOKENS = 256
RANK = 96  # of a stored matrix
ENCODER = "encoder."  # what the names of its weights begin with


class ReaderModel(nn.Module):
    """Token states → one row of scores for each head.

    Args:
        heads: class names by question id, the first being "not stated"; and those of the acts.
        base: folder of the encoder that the delta was trained on.
        normaliser: what texts go through first.

    `odds` says, question by question, how many times likelier it is answered in a first message than in training.
    """

    def __init__(self, heads: Heads, base: str, normaliser: Callable[[str], str]) -> None:
        super().__init__()
        self.heads = heads
        self.sizes = [len(classes) for classes in heads.values()]
        self.normaliser: Callable[[str], str] = normaliser
        self.odds: Mapping[str, float] = {}
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.encoder = AutoModel.from_pretrained(base, add_pooling_layer=False)
        width, classes = self.encoder.config.hidden_size, sum(self.sizes)
        self.query = nn.Parameter(torch.randn(len(self.sizes), width) * 0.02)
        self.weight = nn.Parameter(torch.randn(classes, 2 * width) * 0.02)
        self.bias = nn.Parameter(torch.zeros(classes))
        self.drop = nn.Dropout(0.1)

    def tokens(self, texts: Sequence[str], length: int = MAX_TOKENS) -> tuple[Tensor, Tensor]:
        """Return token ids and attention mask, (texts, tokens) each."""
        encoded = self.tokenizer(
            [self.normaliser(text) for text in texts],
            padding=True,
            truncation=True,
            max_length=length,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        return encoded.input_ids, encoded.attention_mask

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> list[Tensor]:
        """Return the scores of each head, (texts, classes)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        mask = attention_mask.unsqueeze(-1).float()
        mean = (states * mask).sum(1) / mask.sum(1)
        attention = (states @ self.query.T).masked_fill(mask == 0, -1e4).softmax(1)
        pooled = torch.einsum("btq,btd->bqd", attention, states)
        pooled = torch.repeat_interleave(pooled, torch.tensor(self.sizes), dim=1)
        features = self.drop(torch.cat([pooled, mean.unsqueeze(1).expand_as(pooled)], -1))
        return list(((features * self.weight).sum(-1) + self.bias).split(self.sizes, 1))

    @torch.inference_mode()
    def probabilities(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return head to probabilities, (texts, classes)."""
        scores = self(*self.tokens(texts))
        return {name: head.softmax(1).numpy() for name, head in zip(self.heads, scores, strict=True)}


def save(model: ReaderModel, path: Path, metadata: dict[str, str]) -> None:
    """Write what was trained, as a difference from the base."""
    base = ReaderModel(model.heads, model.tokenizer.name_or_path, model.normaliser).state_dict()
    state = model.state_dict()
    heads = {name: weights.half() for name, weights in state.items() if not name.startswith(ENCODER)}
    # the embeddings are not trained; averaging leaves only rounding errors there
    trained = {n: w for n, w in state.items() if n.startswith(ENCODER) and not n.startswith(f"{ENCODER}embeddings.")}
    stored = heads | difference(trained, base, RANK)
    save_file(
        stored, str(path), metadata={"labels": json.dumps(model.heads), "odds": json.dumps(model.odds)} | metadata
    )
    path.chmod(0o644)


def load(path: Path, base: str, normaliser: Callable[[str], str]) -> ReaderModel:
    """Read a model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file was not written by `make train`.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
        if "labels" not in metadata:
            raise ValueError(f"{path} holds no labels; write it with `make train`")
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    heads = {name: tuple(classes) for name, classes in json.loads(metadata["labels"]).items()}
    model = ReaderModel(heads, base, normaliser)
    state = model.state_dict()
    add(state, {name: tensor for name, tensor in stored.items() if name.startswith(ENCODER)})
    state |= {name: tensor.float() for name, tensor in stored.items() if not name.startswith(ENCODER)}
    model.load_state_dict(state)
    model.odds = json.loads(metadata.get("odds", "{}"))
    return model.eval()
