"""``python -m cli``: the command `fanout` without an installation."""

from cli.main import main

if __name__ == "__main__":
    main()
