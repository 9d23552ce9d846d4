"""`python -m fastdiag`."""

from fastdiag.cli import main

main()
