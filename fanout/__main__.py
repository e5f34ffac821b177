"""``python -m fanout``: the command line, which is a room of its own."""

from cli.main import main

if __name__ == "__main__":
    main()
