#!/usr/bin/env python
"""The command line of the cloud: ``manage.py up`` starts it, ``manage.py status`` tells how to reach it."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudconsole.settings")
    from django.core.management import execute_from_command_line

    from inference.catalogue_fields import CatalogueError

    try:
        execute_from_command_line(sys.argv)
    except CatalogueError as mistake:  # most likely in the operator's own file, read whatever the command is
        sys.exit(f"The catalogue of models is wrong: {mistake}.")


if __name__ == "__main__":
    main()
