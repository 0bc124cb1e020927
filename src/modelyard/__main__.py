"""`python -m modelyard`."""

from modelyard.cli import program

if __name__ == "__main__":
    program()
