"""The data in a page, unpacked as its script does it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any


def block(page: str, name: str) -> Any:
    found = re.search(rf'<script type="text/plain" id="{name}">([A-Za-z0-9+/=]*)</script>', page)
    assert found is not None, name
    return unpack(found[1])


def unpack(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text), wbits=-15))
