"""The data in a page, unpacked as its script does it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any


def block(page: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script type="text/plain" id="{name}">([A-Za-z0-9+/=]*)</script>', page)
    assert found is not None, name
    value: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1]), wbits=-15))
    return value
