"""`python -m tfkd`."""

from tfkd.commands.main import main

main()
