"""A seed is a whole story: the same everywhere, so that a failure can be played again."""

import os
import subprocess
import sys
from pathlib import Path

from load.simulation.campaign import play

SEED = 7
TELL = f"""
from load.simulation.campaign import play
print("\\n".join(play({SEED}).timeline))
"""


def told_by_another_process(hash_seed: str) -> list[str]:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    answer = subprocess.run(
        [sys.executable, "-c", TELL],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return answer.stdout.splitlines()


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    here = play(SEED).timeline
    assert told_by_another_process("1") == told_by_another_process("2") == here


def test_a_seed_tells_the_same_story_after_others_were_played() -> None:
    before = play(SEED).timeline
    play(SEED + 1)
    assert play(SEED).timeline == before


def test_two_seeds_tell_different_stories() -> None:
    assert play(SEED).timeline != play(SEED + 1).timeline
