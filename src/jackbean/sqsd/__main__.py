from __future__ import annotations

import sys

from jackbean.sqsd.main import main

sys.exit(main(sys.argv[1:]))
