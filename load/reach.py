"""Which terminals a customer can reach, and a fair draw among them, for any number of customers."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from load.columns import Ints

Places = NDArray[np.float64]  # shape (n, 2): x, y


class Reach:
    """Draws a terminal uniformly from those nearer to a customer than the radius.

    The square is cut into cells at least as wide as the radius, so all that is in reach lies in the 3 x 3
    cells around a customer. A terminal of those is drawn, and drawn again until one is in reach (about one in
    three is), which is uniform over the terminals in reach. Memory grows with customers + terminals, not
    with their pairs.
    """

    def __init__(self, customers: Places, terminals: Places, *, radius: float, side: float) -> None:
        self._radius = radius
        self._customers = customers
        # Per row and per column. No more than there are terminals in all: more would only take memory.
        self._cells = max(1, min(int(side // radius), int(len(terminals) ** 0.5)))
        self._width = side / self._cells
        cell = self._row_of(terminals[:, 1]) * self._cells + self._row_of(terminals[:, 0])
        self._terminal = np.argsort(cell, kind="stable")
        self._places = terminals[self._terminal]
        self._first, self._upto = self._runs(np.bincount(cell, minlength=self._cells**2))

    def someone(self) -> NDArray[np.bool_]:
        """For each customer: is at least one terminal in reach?

        A hair less than the radius, so that rounding never promises a terminal that `draw` would not accept.
        """
        nearest, _ = cKDTree(self._places).query(
            self._customers, distance_upper_bound=self._radius * (1 - 1e-9)
        )
        found: NDArray[np.bool_] = np.isfinite(nearest)
        return found

    def draw(self, customer: Ints, rng: np.random.Generator) -> Ints:
        """A terminal for each entry of `customer`; only for customers that have one in reach."""
        position = np.empty(len(customer), np.int64)
        waiting = np.arange(len(customer))
        while waiting.size:
            drawn = self._near(customer[waiting], rng)
            hit = self._in_reach(customer[waiting], drawn)
            position[waiting[hit]] = drawn[hit]
            waiting = waiting[~hit]
        return self._terminal[position]

    def _row_of(self, coordinate: NDArray[np.float64]) -> Ints:
        return np.minimum((coordinate / self._width).astype(np.int64), self._cells - 1)

    def _runs(self, in_cell: Ints) -> tuple[Ints, Ints]:
        """The 3 x 3 cells around each customer as three runs of terminals: cells of one row lie side by side.

        Returns, each of shape (3, customers): what to add to a number drawn from all three runs to get
        the terminal's position, and how many terminals the runs up to this one hold.
        """
        starts = np.concatenate(([0], np.cumsum(in_cell)))
        column, row = self._row_of(self._customers[:, 0]), self._row_of(self._customers[:, 1])
        rows = row + np.array([[-1], [0], [1]])
        inside = (rows >= 0) & (rows < self._cells)
        left = np.where(inside, rows, 0) * self._cells + np.maximum(column - 1, 0)
        right = np.where(inside, rows, 0) * self._cells + np.minimum(column + 1, self._cells - 1) + 1
        first, count = starts[left], np.where(inside, starts[right] - starts[left], 0)
        upto = np.cumsum(count, axis=0)
        return first - (upto - count), upto

    def _near(self, customer: Ints, rng: np.random.Generator) -> Ints:
        number = rng.integers(0, self._upto[2, customer])
        run = (number >= self._upto[0, customer]).astype(np.int8) + (number >= self._upto[1, customer])
        position: Ints = self._first[run, customer] + number
        return position

    def _in_reach(self, customer: Ints, position: Ints) -> NDArray[np.bool_]:
        apart = self._customers[customer] - self._places[position]
        near: NDArray[np.bool_] = np.einsum("ij,ij->i", apart, apart) < self._radius**2
        return near
