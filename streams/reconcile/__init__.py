"""Reconcile: topics, ledger, alerts and view against each other, while traffic goes on.

Each check is made on what must already be true, and reads in an order in which what is read later may only
know more. Nothing is held but the records of the moment: memory does not grow with what is checked.
"""
