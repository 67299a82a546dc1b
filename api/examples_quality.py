"""Documents about what decides, as they may look."""

COSTS = {
    "missed_share": 1.0,
    "missed_fee_minor": 2000.0,
    "false_decline_minor": 3000.0,
    "review_minor": 500.0,
    "review_catches": 0.95,
    "reviews_per_day": 100.0,
}
HEADING = {
    "from": "2018-05-01T00:00:00Z",
    "to": "2018-05-29T00:00:00Z",
    "ab_version": "default-1",
    "policy_version": "default-1",
    "costs": COSTS,
    "labelled": 90_400,
    "truncated": False,
    "why": None,
}
DIFFERENCE = {
    "figure": "auc_roc",
    "first": "champion",
    "second": "challenger",
    "difference": {"value": -0.004, "low": -0.021, "high": 0.013},
    "told_apart": False,
}
VARIANT = {
    "name": "champion",
    "models": ["FraudDetection_XGBoost@1"],
    "customers": 4_480,
    "transactions": 81_300,
    "frauds": 702,
    "auc_roc": {"value": 0.871, "low": 0.858, "high": 0.884},
    "average_precision": {"value": 0.672, "low": 0.634, "high": 0.708},
    "approval_rate": {"value": 0.991, "low": 0.9902, "high": 0.9918},
    "review_rate": {"value": 0.005, "low": 0.0044, "high": 0.0056},
    "decline_rate": {"value": 0.004, "low": 0.0035, "high": 0.0046},
    "fraud_caught_minor": {"value": 5_210_300.0, "low": 4_702_000.0, "high": 5_733_000.0},
    "fraud_missed_minor": {"value": 1_480_200.0, "low": 1_190_000.0, "high": 1_805_000.0},
    "cost_per_thousand_minor": {"value": 28_400.0, "low": 24_100.0, "high": 33_000.0},
    "calibration": {
        "bins": [{"predicted": 0.0011, "observed": 0.0010, "low": 0.0005, "high": 0.0020, "count": 8_130}],
        "top": {"predicted": 0.311, "observed": 0.324, "low": 0.302, "high": 0.347, "count": 1_626},
    },
    "precision_recall": [{"threshold": 0.62, "precision": 0.94, "recall": 0.31}],
    "costs": [{"threshold": 0.3, "cost_per_thousand_minor": 28_400.0}],
}
QUALITY = {
    **HEADING,
    "variants": [VARIANT],
    "without_labels": [],
    "differences": [DIFFERENCE],
    "sample_ratio_p": 0.41,
    "sample_ratio_ok": True,
    "conclusion": "the data cannot tell the variants apart",
}
EFFECT = {
    "reviews_per_day": 14.5,
    "declines_per_day": 11.6,
    "frauds_caught": 480,
    "frauds_missed": 222,
    "fraud_caught_minor": 5_210_300,
    "fraud_missed_minor": 1_480_200,
    "cost_per_thousand_minor": 28_400.0,
}
WHAT_IF = {
    **HEADING,
    "bands": [{"amount_minor": 0, "review_at": 0.3, "decline_at": 0.8}],
    "variant": "champion",
    "thresholds": {"review": 0.2, "decline": 0.8},
    "frauds": 702,
    "days": 28,
    "asked": {
        "reviews_per_day": 21.5,
        "declines_per_day": 11.6,
        "frauds_caught": 506,
        "frauds_missed": 196,
        "fraud_caught_minor": 5_350_300,
        "fraud_missed_minor": 1_340_200,
        "cost_per_thousand_minor": 27_900.0,
    },
    "in_force": EFFECT,
    "decided": EFFECT,
    "differences": {
        "reviews_per_day": 7.0,
        "declines_per_day": 0.0,
        "frauds_caught": 26,
        "frauds_missed": -26,
        "fraud_caught_minor": 140_000,
        "fraud_missed_minor": -140_000,
        "cost_per_thousand_minor": -500.0,
    },
}
DRIFT = {
    "from": "2018-06-04T00:00:00Z",
    "to": "2018-06-05T00:00:00Z",
    "decisions": 9_640,
    "models": [
        {
            "name": "FraudDetection_XGBoost",
            "version": "1",
            "variants": ["champion"],
            "rows": 8_690,
            "training_rows": 67_240,
            "features": [
                {
                    "feature": "terminal_fraud_share_7d",
                    "psi": 0.13,
                    "band": "moderate",
                    "by_chance": 0.0018,
                    "median_then": 0.0,
                    "median_now": 0.0,
                }
            ],
            "why": None,
        }
    ],
    "why": None,
}
