"""python -m kinoshelf."""

from kinoshelf.cli.main import main

main()
