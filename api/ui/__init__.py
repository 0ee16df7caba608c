"""The web pages: NiceGUI, mounted under /ui of the HTTP application. Imported only when serving.

Pages use the parts of the service in this process and in its event loop; they never call the API over HTTP.
"""

from __future__ import annotations

from api.ui.install import install
from api.ui.starting import Starting

__all__ = ["Starting", "install"]
