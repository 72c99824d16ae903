"""Tells a request that asks who the caller is from one that asks a model: a token that is fetched within a call.

The address that a call knows cannot tell them apart: users and gateways name others than are asked in the end.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

HOSTS = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
        "login.windows.net",
        "login.microsoft.com",
        "accounts.google.com",
        "oauth2.googleapis.com",
        "sts.googleapis.com",
        "iamcredentials.googleapis.com",
        "metadata.google.internal",
        "169.254.169.254",  # metadata of a machine: Amazon's, Azure's, Google's
        "169.254.170.2",  # Amazon's for containers, and the next for pods
        "169.254.170.23",
    }
)
"""Nothing but identities is asked for there."""
AMAZON = ".amazonaws.com"


def asks_for_token(url: Any) -> bool:
    """Whether a URL, as text or as an object with `host` and `path`, is of such a host or of a token endpoint.

    Those of OAuth end in `/token` wherever they are, at the host of the models too; no model is asked there.
    """
    if isinstance(url, str):
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    else:
        host, path = url.host or "", url.path
    return host in HOSTS or path.endswith("/token") or (host.startswith("sts.") and AMAZON in host)
