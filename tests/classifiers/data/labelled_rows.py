"""Small labelled files made of words of their topic, for tests of what is said of such files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WORDS = {
    "garden": "rose tulip soil spade hedge lawn seed compost prune bulb mulch weed shrub pot leaf root bee rain",
    "kitchen": "knife pan oven recipe salt pepper onion boil simmer roast bake dough sauce spoon grill stew bowl",
    "travel": "train ticket hotel passport airport luggage map coast ferry border visa journey hostel tram",
}
COMMON = "the a my we you often never today old new small with for and near every some about again still"

Row = Sequence[object]


def texts(count: int, *, seed: int = 0, topics: Sequence[str] = ("garden", "kitchen", "travel")) -> list[Row]:
    """`[text, topic]` in random order; the words of a text are drawn, so that no two are alike."""
    draw = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        topic = topics[index % len(topics)]
        words = [*draw.choice(WORDS[topic].split(), 5, replace=False), *draw.choice(COMMON.split(), 5, replace=False)]
        draw.shuffle(words)
        rows.append([" ".join(words), topic])
    order = draw.permutation(count)
    return [rows[i] for i in order]


def write(path: Path, header: Sequence[str], rows: Sequence[Row], *, encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
