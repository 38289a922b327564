"""`python -m hub` is the command `sitegate`."""

import gc

# What is loaded stays: to look through it again and again for what may be forgotten is a tenth of
# the time in which a command begins. `main` enables it when all is loaded.
gc.disable()

from hub.cli import main  # noqa: E402

main()
