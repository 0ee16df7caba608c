"""Who may do what over HTTP: keys and page sessions, the table of roles, and how often a caller may ask.

`Gate` is the one place that decides; routes only read the `Identity` it leaves behind. How keys are kept is
`signalbox.storage.keys`' business, which hosts and origins are served `api.http.edge`'s.
"""

from api.auth.gate import Gate
from api.auth.identity import Identity, identity_of
from api.auth.parts import Auth

__all__ = ["Auth", "Gate", "Identity", "identity_of"]
