"""Documents as they may look, one of each kind."""

TRANSACTION = {
    "transaction_id": "tx-1",
    "customer_id": "c-1",
    "terminal_id": "t-1",
    "amount_minor": 90_000,
    "currency": "EUR",
    "event_time": "2018-06-01T03:00:00Z",
    "attributes": {"channel": "web"},
}
DECISION = {
    "transaction_id": "tx-1",
    "decision": "review",
    "score": 0.513396506896423,
    "reasons": [
        {
            "code": "amount",
            "sentence": "The amount is 900.00 EUR; usual for this customer is 31.20 EUR.",
            "feature": "amount_minor",
            "value": 90_000.0,
            "usual": 3_120.0,
            "contribution": 7.99,
        }
    ],
    "variant": "champion",
    "model_name": "FraudDetection_XGBoost",
    "model_version": "1",
    "policy_version": "default-1",
    "ab_version": "default-1",
    "path": "rest",
    "degraded_reason": None,
    "late": False,
    "event_time": "2018-06-01T03:00:00Z",
    "decided_at": "2018-06-01T03:00:00.412345Z",
}
LABEL = {
    "label_id": "label-1",
    "transaction_id": "tx-1",
    "customer_id": "c-1",
    "label": "fraud",
    "source": "chargeback",
    "version": 1,
    "event_time": "2018-06-08T03:00:00Z",
}
KEY = {
    "key_id": "2hS7typIeJP",
    "env": "live",
    "owner": "shop",
    "name": "till",
    "last_four": "q13o",
    "pepper_id": "5b0a4c2e9d1f8763",
    "scopes": ["score:write", "decisions:read"],
    "limit_per_minute": 100,
    "lifetime": None,
    "created_at": "2026-06-01T08:00:00Z",
    "expires_at": None,
    "revoked_at": None,
    "state": "live",
}
KEY_USAGES = {
    "keys": [{"key_id": "2hS7typIeJP", "owner": "shop", "name": "till", "limit_per_minute": 100, "used": 37}],
    "live_keys": 1,
}
NEW_KEY = {**KEY, "key": "fsk_live_2hS7typIeJP_(43 characters, told this once)_q13o"}
ROTATED_KEY = {
    **NEW_KEY,
    "key_id": "5iq8jLibKho",
    "rotated": {**KEY, "expires_at": "2026-06-02T08:00:00Z"},
}
PROMOTION = {
    "who": "ml/console",
    "when": "2026-06-01T08:00:00.000000Z",
    "name": "FraudDetection_XGBoost",
    "alias": "champion",
    "before": "1",
    "after": "2",
    "metrics": {"auc_roc": 0.87},
    "why": "better on May",
}
MODEL = {
    "name": "FraudDetection_XGBoost",
    "versions": [
        {
            "name": "FraudDetection_XGBoost",
            "version": "2",
            "aliases": ["champion"],
            "created": "2026-06-01T07:00:00+00:00",
            "metrics": {"auc_roc": 0.87},
            "params": {"family": "xgboost", "rows": "67240"},
        }
    ],
    "promotions": [PROMOTION],
}
ACTIVATION = {
    "happened_at": "2026-06-01T08:00:00Z",
    "actor": "ml/console",
    "action": "activate",
    "object": "policy",
    "before": "default-1",
    "after": "may-1",
    "why": "reviewed with the fraud desk",
    "outcome": "done",
    "detail": {},
}
POLICY = {
    "version": "may-1",
    "bands": [
        {"amount_minor": 0, "review_at": 0.3, "decline_at": 0.8},
        {"amount_minor": 50_000, "review_at": 0.1, "decline_at": 0.5},
    ],
    "without_model": [
        {"amount_minor": 0, "verdict": "approve"},
        {"amount_minor": 5_000, "verdict": "review"},
    ],
}
SPLIT = {
    "version": "more-lightgbm",
    "salt": "fraudml",
    "variants": [
        {
            "name": "champion",
            "model_name": "FraudDetection_XGBoost",
            "alias": "champion",
            "weight": 0.8,
        },
        {
            "name": "challenger",
            "model_name": "FraudDetection_LightGBM",
            "alias": "challenger",
            "weight": 0.2,
        },
    ],
}
AUDIT_ROW = {**ACTIVATION, "audit_id": 41}
ALERT = {
    **DECISION,
    "customer_id": "c-1",
    "terminal_id": "t-1",
    "amount_minor": 90_000,
    "currency": "EUR",
    "attributes": {"channel": "web"},
    "alert_id": "3c8f2a51-6d0e-5b7a-9f44-8a1de0c7b692",
}
LATENCY = {"path": "stream", "count": 12_000, "p50_s": 0.0051, "p95_s": 0.0138, "p99_s": 0.0243}
STATISTICS = {
    "from": "2018-06-01T03:00:00Z",
    "to": "2018-06-01T04:00:00Z",
    "interval_s": 60,
    "counted_at": "2018-06-01T03:59:58.204113Z",
    "decisions": 12_000,
    "alert_rate": 0.0125,
    "latency": [LATENCY],
    "points": [
        {
            "at": "2018-06-01T03:00:00Z",
            "decisions": 12_000,
            "alert_rate": 0.0125,
            "cells": [
                {
                    "variant": "champion",
                    "path": "stream",
                    "degraded_reason": None,
                    "approve": 11_850,
                    "review": 130,
                    "decline": 20,
                }
            ],
            "latency": [LATENCY],
        }
    ],
    "partitions": [
        {
            "topic": "transactions",
            "partition": 0,
            "settled": 12_000,
            "committed": 12_000,
            "end": 12_004,
            "lag": 4,
        }
    ],
    "dead_letters": [{"topic": "transactions", "reason": "not_json", "count": 2}],
    "unclaimed_answers": {"count": 0, "oldest_at": None},
    "parked_labels": {"count": 1, "oldest_at": "2018-06-01T03:20:00Z"},
    "in_force": {
        "policy_version": "default-1",
        "ab_version": "default-1",
        "variants": [
            {
                "variant": "champion",
                "share": 0.9,
                "model_name": "FraudDetection_XGBoost",
                "model_version": "1",
            }
        ],
    },
    "reconcile": {"finished_at": "2018-06-01T03:59:31.702418Z", "findings": 0, "took_s": 1.8},
    "unavailable": [],
}
QUEUED_CASE = {
    "transaction_id": "tx-1",
    "decision": "review",
    "score": 0.5,
    "amount_minor": 90_000,
    "expected_loss_minor": 45_000.0,
    "currency": "EUR",
    "customer_id": "c-1",
    "terminal_id": "t-1",
    "event_time": "2018-06-01T03:00:00Z",
    "decided_at": "2018-06-01T03:00:00.412345Z",
    "held_by": None,
    "held_until": None,
    "escalated": False,
    "snoozed_until": None,
}
CASE = {
    "transaction_id": "tx-1",
    "state": "genuine",
    "revision": 2,
    "held_by": None,
    "held_until": None,
    "escalated": False,
    "snoozed_until": None,
    "verdict": "genuine",
    "reason_code": "customer_confirms",
    "decided_by": "reviewers/ann",
    "undo_until": "2018-06-01T09:00:10Z",
}
FINDING = {
    "verdict": "genuine",
    "reason_code": "customer_confirms",
    "note": "Called back under the number on file.",
}
CASE_VIEW = {
    "case": CASE,
    "decision": DECISION
    | {key: value for key, value in TRANSACTION.items() if key not in ("transaction_id", "event_time")},
    "actions": [
        {
            "revision": 1,
            "happened_at": "2018-06-01T08:58:00Z",
            "actor": "reviewers/ann",
            "action": "take",
            "verdict": None,
            "reason_code": None,
            "note": "",
            "until": None,
        },
    ],
    "labels": [LABEL],
}
NORMAL = {
    "from": "2018-03-03T03:00:00Z",
    "to": "2018-06-01T03:00:00Z",
    "truncated": False,
    "transactions": 4,
    "transactions_per_active_day": 1.3333333333333333,
    "median_amount_minor": 2_950,
    "p95_amount_minor": 4_100,
    "largest_amount_minor": 4_100,
    "amount_percentile": 100.0,
    "hours": [0] * 9 + [2, 0, 1, 0, 0, 0, 0, 1] + [0] * 7,
    "known_frauds": 0,
}
TIMELINE = {
    "from": "2018-03-03T00:00:00Z",
    "to": "2018-06-02T00:00:00Z",
    "truncated": False,
    "days": [
        {"day": "2018-05-31", "transactions": 1, "amount_minor": 2_950, "alerts": 0, "frauds": 0},
        {"day": "2018-06-01", "transactions": 1, "amount_minor": 90_000, "alerts": 1, "frauds": 1},
    ],
    "rows": [
        {
            "transaction_id": "tx-1",
            "customer_id": "c-1",
            "terminal_id": "t-1",
            "event_time": "2018-06-01T03:00:00Z",
            "amount_minor": 90_000,
            "decision": "review",
            "score": 0.513396506896423,
            "label": "fraud",
            "after": False,
        }
    ],
    "rows_left_out": 0,
}
CASE_CONTEXT = {
    "transaction_id": "tx-1",
    "thresholds": {"policy_version": "default-1", "review_at": 0.3, "decline_at": 0.8},
    "variants": [
        {
            "variant": "champion",
            "model_name": "FraudDetection_XGBoost",
            "model_version": "1",
            "score": 0.513396506896423,
            "decision": "review",
            "decided": True,
        },
        {
            "variant": "challenger",
            "model_name": "FraudDetection_LightGBM",
            "model_version": "3",
            "score": 0.8411,
            "decision": "decline",
            "decided": False,
        },
    ],
    "customer": {"id": "c-1", "normal": NORMAL, "timeline": TIMELINE},
    "terminal": {"id": "t-1", "normal": NORMAL, "timeline": TIMELINE},
    "unavailable": [],
}
USER = {
    "name": "ann",
    "role": "analyst",
    "created_at": "2026-06-01T08:00:00Z",
    "changed_at": "2026-06-01T08:00:00Z",
    "disabled_at": None,
    "state": "active",
}
SESSION = {
    "name": "ann",
    "role": "analyst",
    "scopes": ["decisions:read", "stats:read", "audit:read", "letters:read", "reviews:write", "labels:write"],
    "token": "WyJhbm4iLDFd.aihm4A.Dl6Yh0gQZb9g1l3kV6G4m1kq2cV0o0n9yq3c1m8b7aE",
    "expires_in_s": 600,
}
