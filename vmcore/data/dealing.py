"""Deal groups out to parts, so that every part gets its share of each kind of image.

Groups (a fetus's images) stay whole. Every part gets what it needs of both classes first; the rest is
dealt at random, then single groups are moved and pairs are swapped as long as that brings the parts
nearer to their shares. All arithmetic is on whole numbers, so a seed gives the same parts everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
_FRACTION = 16  # expected counts are kept in sixteenths of an image
_WEIGHT = 2**20  # weights are kept in parts of this
_COARSE = 8  # a class's share, and the whole's, counts so much more than a stratum's
_ALL_PAIRS = 60  # groups of a stratum up to which every pair may be swapped
_SOME_PAIRS = 1500  # pairs of a larger one
_MOST_STEPS = 5000


@dataclass(frozen=True, slots=True)
class Groups:
    """What is dealt out.

    Attributes:
        counts: (G, S) images of each group in each stratum.
        classes: (S,) the strata's class, 0 or 1.
    """

    counts: Whole
    classes: Whole

    def holds(self) -> npt.NDArray[np.bool_]:
        """(G, 2) whether a group holds images of a class."""
        sides = [self.counts[:, self.classes == label].sum(axis=1) for label in (0, 1)]
        return np.stack(sides, axis=1) > 0

    def kinds(self) -> tuple[Whole, Whole]:
        """(G, K) images by kind (the whole, each class, each stratum), and the kinds' weights (K,)."""
        whole = self.counts.sum(axis=1, keepdims=True)
        classes = np.stack(
            [self.counts[:, self.classes == label].sum(axis=1) for label in (0, 1)], axis=1
        )
        kinds, weights = [whole, classes], [_COARSE] * 3
        if self.counts.shape[1] > 2:
            kinds.append(self.counts)
            weights += [1] * self.counts.shape[1]
        return np.concatenate(kinds, axis=1), np.array(weights, np.int64)


def deal(
    groups: Groups, shares: npt.NDArray[np.float64], least: Whole, seed: list[int]
) -> Whole | None:
    """Deal groups out to P parts.

    Args:
        groups: what is dealt out.
        shares: (P,) share of the images that each part should get, above 0, in all 1.
        least: (P,) how many groups with images of each class a part needs at least.
        seed: of the random choice.

    Returns:
        (G,) the part of each group; None where there are too few groups of a class.
    """
    if (groups.holds().sum(axis=0) < least.sum()).any():
        return None
    attempts = int(np.clip(2000 // len(groups.counts), 3, 24))
    tried = [_Table(groups, shares, least, [*seed, attempt]) for attempt in range(attempts)]
    costs = [table.settle() for table in tried]
    return tried[int(np.argmin(costs))].parts


class _Table:
    """One attempt: who lies where, and how far each part is from its shares.

    The distance is the sum of (images - expected)² / expected over parts and kinds, weighted.
    """

    def __init__(
        self, groups: Groups, shares: npt.NDArray[np.float64], least: Whole, seed: list[int]
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.least = least
        self.holds = groups.holds().astype(np.int64)
        self.images, weights = groups.kinds()
        expected = shares[:, None] * self.images.sum(axis=0)
        self.expected = np.rint(expected * _FRACTION).astype(np.int64)
        self.weight = np.rint(weights * _WEIGHT / np.maximum(expected, 1e-3)).astype(np.int64)
        self.quadratic = self.images**2 @ self.weight.T * _FRACTION
        self.parts = self._dealt(groups, shares)
        self.pairs = self._pairs(groups)

    def _dealt(self, groups: Groups, shares: npt.NDArray[np.float64]) -> Whole:
        """What every part needs, then the rest stratum by stratum, by chance."""
        parts = self._needed()
        main = groups.counts.argmax(axis=1)
        for stratum in range(groups.counts.shape[1]):
            own = self.rng.permutation(np.flatnonzero((main == stratum) & (parts < 0)))
            order = self.rng.permutation(len(shares))
            sizes = groups.counts[own].sum(axis=1)
            middles = np.cumsum(sizes) - sizes / 2
            ends = np.cumsum(shares[order]) * sizes.sum()
            place = np.searchsorted(ends, middles).clip(max=len(shares) - 1)
            parts[own] = order[place]
        return parts

    def _needed(self) -> Whole:
        """Parts of the groups that give every part what it needs; -1 for the others.

        Groups with both classes serve first; then it takes one of each class.
        """
        parts = np.full(len(self.holds), -1, np.int64)
        places = self.rng.permutation(np.repeat(np.arange(len(self.least)), self.least))
        both = self.rng.permutation(np.flatnonzero(self.holds.all(axis=1)))[: len(places)]
        parts[both] = places[: len(both)]
        for label in (0, 1):
            only = np.flatnonzero((self.holds[:, label] == 1) & (self.holds[:, 1 - label] == 0))
            rest = places[len(both) :]
            parts[self.rng.permutation(only)[: len(rest)]] = rest
        return parts

    def _pairs(self, groups: Groups) -> Whole:
        """(2, N) pairs of groups of one stratum that may be swapped."""
        main, pairs = groups.counts.argmax(axis=1), [np.empty((2, 0), np.int64)]
        for stratum in range(groups.counts.shape[1]):
            own = np.flatnonzero(main == stratum)
            if len(own) <= _ALL_PAIRS:
                chosen = np.array(list(combinations(own, 2)), np.int64).reshape(-1, 2).T
            else:
                chosen = self.rng.choice(own, (2, _SOME_PAIRS))
            pairs.append(chosen)
        return np.concatenate(pairs, axis=1)

    def settle(self) -> int:
        """Move and swap as long as it helps; returns the distance that is left."""
        for _ in range(_MOST_STEPS):
            if not (self._move() or self._swap()):
                break
        return int((self.weight * self._off() ** 2).sum())

    def _off(self) -> Whole:
        """(P, K) images above what is expected, in sixteenths."""
        have = np.zeros_like(self.expected)
        np.add.at(have, self.parts, self.images)
        return have * _FRACTION - self.expected

    def _held(self) -> Whole:
        """(P, 2) groups with images of each class, beyond what is needed."""
        held = np.zeros((len(self.least), 2), np.int64)
        np.add.at(held, self.parts, self.holds)
        return held - self.least[:, None]

    def _move(self) -> bool:
        """Move the group whose move helps most."""
        slope = 2 * self.weight * self._off()
        linear = self.images @ slope.T
        rows = np.arange(len(self.parts))
        leave = self.quadratic[rows, self.parts] - linear[rows, self.parts]
        change = leave[:, None] + self.quadratic + linear
        fixed = (self.holds > self._held()[self.parts]).any(axis=1)
        change[fixed] = 0
        change[rows, self.parts] = 0
        best = int(change.argmin())
        group, part = divmod(best, change.shape[1])
        if change[group, part] >= 0:
            return False
        self.parts[group] = part
        return True

    def _swap(self) -> bool:
        """Swap the pair whose swap helps most."""
        first, second = self.pairs
        here, there = self.parts[first], self.parts[second]
        gain = self.images[second] - self.images[first]
        slope, weight = 2 * self.weight * self._off(), self.weight
        change = ((slope[here] - slope[there]) * gain).sum(axis=1)
        change += ((weight[here] + weight[there]) * gain**2).sum(axis=1) * _FRACTION
        held = self._held()
        given = self.holds[second] - self.holds[first]
        kept = (held[here] + given >= 0).all(axis=1) & (held[there] - given >= 0).all(axis=1)
        change[~kept | (here == there)] = 0
        if not len(change) or change.min() >= 0:
            return False
        best = int(change.argmin())
        self.parts[first[best]], self.parts[second[best]] = there[best], here[best]
        return True
