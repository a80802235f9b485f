"""What each command is given on the command line."""
