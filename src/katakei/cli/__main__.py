"""The entry of `python -m katakei.cli`, for environments where the script is not on the PATH."""

from katakei.cli import main

if __name__ == "__main__":
    main()
