"""Write the golden answers anew: `python -m tests.golden.renew`, then review `git diff tests/golden`."""

from tests.golden.replaying import HERE, answers, read_log, replayed, write_lines

if __name__ == "__main__":
    for name, documents in answers(replayed(read_log())).items():
        write_lines(HERE / name, documents)
