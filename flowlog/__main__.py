"""`python -m flowlog` is the `flowlog` command."""

import sys

from flowlog.cli.main import main

sys.exit(main())
