"""`python -m jackbean.agent CONFIG.json`."""

import sys

from jackbean.agent.main import main

sys.exit(main(sys.argv[1:]))
