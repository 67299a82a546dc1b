"""A fixed log and what the system makes of it, to the last digit.

`log.jsonl` is what arrived, in the order of arrival: made once by `make_log`, then fixed. The other files are
the answers, a line each: decisions, features, alerts and dead letters. Who changes an answer on purpose runs

    python -m tests.golden.renew

and reviews `git diff tests/golden` line by line: each changed line is a transaction that the next release
would decide otherwise. Nothing renews the answers by itself.
"""
