"""How well scores rank: the metrics of the Fraud Detection Handbook, with ties always broken the same way.

Source: Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, chapter 4.
"""

import numpy as np
from numpy.typing import NDArray

from models.boosters import Scores

Labels = NDArray[np.int8]
Codes = NDArray[np.int64]


def auc_roc(fraud: Labels, score: Scores) -> float:
    """The chance that a fraud has a higher score than a genuine transaction. Both (n,)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(fraud, score))


def average_precision(fraud: Labels, score: Scores) -> float:
    """Precision, averaged over the steps in recall. Both (n,)."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(fraud, score))


def recall_at_false_positive_rate(fraud: Labels, score: Scores, rate: float) -> float:
    """The largest share of frauds found by a threshold that flags at most `rate` of what is genuine."""
    from sklearn.metrics import roc_curve

    false_positive_rate, recall, _ = roc_curve(fraud, score, drop_intermediate=False)
    return float(recall[false_positive_rate <= rate].max())


def card_precision(fraud: Labels, score: Scores, customer: Codes, day: Codes, top: int = 100) -> float:
    """The share of cards with a fraud among the `top` that look worst, a mean over days. All (n,).

    A card counts by its highest score of the day; once found it leaves the days that follow. Cards of one
    score rank by customer, lowest first.
    """
    found: set[int] = set()
    daily = []
    for each in np.unique(day):
        today = np.flatnonzero(day == each)
        today = today[~np.isin(customer[today], list(found))]
        hits = _hits(fraud[today], score[today], customer[today], top)
        found.update(hits)
        daily.append(len(hits) / top)
    return float(np.mean(daily))


def _hits(fraud: Labels, score: Scores, customer: Codes, top: int) -> list[int]:
    cards, of_card = np.unique(customer, return_inverse=True)
    worst = np.full(len(cards), -np.inf)
    np.maximum.at(worst, of_card, score)
    any_fraud = np.zeros(len(cards), bool)
    np.logical_or.at(any_fraud, of_card, fraud == 1)
    ranked = np.argsort(-worst, kind="stable")[:top]
    return [int(card) for card in cards[ranked[any_fraud[ranked]]]]
