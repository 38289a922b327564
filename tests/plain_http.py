"""HTTP calls to servers on this machine, without reading whom the machine trusts on the web.

A call by httpx2 itself reads all certificates of this machine first, whatever the address: 60 to
150 ms of CPU each time, for a server at `http://127.0.0.1`.
"""

from __future__ import annotations

import ssl
from functools import partial
from typing import Final

import httpx2

TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A connection by TLS fails: there is none to a server of ours."""

request: Final = partial(httpx2.request, verify=TRUSTS_NOBODY, trust_env=False)
get: Final = partial(httpx2.get, verify=TRUSTS_NOBODY, trust_env=False)
post: Final = partial(httpx2.post, verify=TRUSTS_NOBODY, trust_env=False)
