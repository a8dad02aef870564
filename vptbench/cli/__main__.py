"""`python -m vptbench.cli`: the command line where its script is not on the path."""

from vptbench.cli import main

main()
