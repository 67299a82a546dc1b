"""What tools find is reviewed, or it fails; so does a review of what is not there."""

import json
from collections import Counter
from pathlib import Path

import pytest

from deploy.audit.insecure_code import findings_in as insecure
from deploy.audit.left_secrets import findings_in as left
from deploy.audit.offline import looked_over
from deploy.audit.reviewed import Finding, judged, reviews
from deploy.audit.tool_output import Unsure, output_of
from deploy.audit.verdict import FAILED, FOUND, OK, Verdict, worst

SQL = Finding("B608", "streams/ledger/a.py", 7, "a query of strings")
KEY = Finding("Secret Keyword", "docs/a.md", 3, "", "0123456789")


def review(**of: object) -> dict[str, object]:
    return {"why": "looked at", **of}


def test_a_finding_that_nobody_reviewed_is_told_with_its_place_and_fails() -> None:
    lines, code = judged("bandit", [SQL], [])
    assert lines == [
        "streams/ledger/a.py:7: B608 a query of strings",
        "bandit: 0 findings were reviewed, 1 were not",
    ]
    assert code == FOUND


def test_nothing_found_and_nothing_reviewed_is_well() -> None:
    assert judged("bandit", [], []).code == OK


def test_a_reviewed_finding_is_well() -> None:
    assert judged("bandit", [SQL], [review(rule="B608", paths="streams/*", found=1)]).code == OK


@pytest.mark.parametrize("other", [{"rule": "B999"}, {"paths": "api/*"}])
def test_a_review_of_another_rule_or_place_covers_nothing(other: dict[str, str]) -> None:
    known = review(**{"rule": "B608", "paths": "streams/*", **other})
    assert str(SQL) in judged("bandit", [SQL], [known]).lines


def test_one_more_than_was_reviewed_fails_and_all_are_named() -> None:
    found = [SQL, SQL._replace(line=9)]
    lines, code = judged("bandit", found, [review(rule="B608", paths="streams/*", found=1)])
    assert lines[:2] == [str(each) for each in found]
    assert code == FOUND


@pytest.mark.parametrize("how", [{}, {"found": 1}, {"digests": ["0123456789"]}])
def test_a_review_of_what_is_gone_fails(how: dict[str, object]) -> None:
    assert judged("any", [], [review(paths="docs/*", **how)]).code == FOUND


def test_a_secret_is_reviewed_by_what_it_is_and_not_by_where_it_stands() -> None:
    known = [review(paths="docs/*", digests=["0123456789"])]
    assert judged("detect-secrets", [KEY, KEY._replace(line=9)], known).code == OK
    assert judged("detect-secrets", [KEY, KEY._replace(digest="another one")], known).code == FOUND


def test_every_review_of_the_repository_has_a_reason_and_no_two_are_of_the_same() -> None:
    every = [each for kind in reviews().values() for each in kind]
    assert all(each["why"].strip() for each in every)
    assert max(Counter((each.get("rule"), each["paths"]) for each in reviews()["code"]).values()) == 1


def test_a_file_that_bandit_could_not_read_is_no_success() -> None:
    told = json.dumps({"errors": [{"filename": "a.py", "reason": "syntax"}], "results": []})
    with pytest.raises(Unsure, match=r"cannot read a\.py: syntax"):
        insecure(told)


def test_what_the_tools_write_is_read() -> None:
    code = {"test_id": "B608", "filename": SQL.path, "line_number": 7, "issue_text": SQL.what}
    secret = {"type": KEY.rule, "line_number": 3, "hashed_secret": KEY.digest + "abcdef"}
    assert insecure(json.dumps({"errors": [], "results": [code]})) == [SQL]
    assert list(left(json.dumps({"results": {KEY.path: [secret]}}))) == [KEY]


@pytest.mark.parametrize("command", [["/nowhere/bandit"], ["sh", "-c", "echo no >&2; exit 3"]])
def test_a_tool_that_is_not_there_or_fails_is_no_success(command: list[str], tmp_path: Path) -> None:
    def look() -> list[Finding]:
        output_of(command, tmp_path)
        return []

    lines, code = looked_over("bandit", look, [])
    assert lines[0].startswith("bandit: not looked over: ")
    assert code == FAILED


def test_what_was_found_outweighs_what_could_not_be_looked_at() -> None:
    each = [Verdict(["a"], OK), Verdict(["b"], FOUND), Verdict(["c"], FAILED)]
    assert worst(each) == Verdict(["a", "b", "c"], FOUND)
