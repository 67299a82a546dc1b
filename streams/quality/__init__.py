"""How good what decides is, by what became of its decisions: questions, and their answers from the ledger.

Asked by a gateway, answered by a process of its own (`apart`, `program`), which may take seconds.
"""
