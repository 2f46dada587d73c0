"""``python -m albench``."""

from albench.cli.main import main

if __name__ == "__main__":
    main()
