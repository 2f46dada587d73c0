"""Every reader under input that nobody meant: it returns, or refuses in one sentence, soon and in little memory.

    python -m tests.fuzz --count 100000 --seed 0 --target archive

drives them by coverage with atheris, long and outside CI; `test_readers.py` drives the same ones with hypothesis, in
seconds. A target is a reader, inputs that it takes or that are known to be nasty, and a way to change these.
"""
