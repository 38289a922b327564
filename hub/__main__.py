"""`python -m hub` is the command `sitegate`."""

from hub.cli import main

main()
