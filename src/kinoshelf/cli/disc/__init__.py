"""kinoshelf disc: the shelf from the command line."""
