"""`python -m litebundle` is the command `bundle`."""

from litebundle.cli.main import main

if __name__ == "__main__":
    main()
