"""Lets spyne 2.14.0 import on CPython 3.12 and 3.13. Importing ``spyne_asmx`` imports this before spyne.

spyne carries an old copy of ``six`` whose import hook lacks ``find_spec``, which Python 3.12 requires. The modules that
the hook should find are put there from the real ``six``. (``cgi``, which Python 3.13 no longer has, is a package
that pip installs under that very name: ``legacy-cgi``.)
"""

import sys
from importlib import import_module

# Every module below its copy of six that spyne imports by name.
for _name in ("six.moves", "six.moves.collections_abc", "six.moves.http_cookies", "six.moves.urllib.parse"):
    sys.modules.setdefault(f"spyne.util.{_name}", import_module(_name))
