"""`python -m artrt`: the command line, for where the command `artrt` is not on the path."""

from artrt.cli.main import main

main()
