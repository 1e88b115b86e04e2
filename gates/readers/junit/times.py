"""Durations and times as runners write them."""

from __future__ import annotations

import math
import re
from datetime import datetime

_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?\Z")
_LONGEST = 100
"""Maximum length of a time in any notation."""
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT)\Z", re.IGNORECASE)


def read_seconds(text: str) -> float:
    """A duration in seconds; 0 if missing, negative or unreadable.

    `2,503.1` has a comma between thousands (Surefire); `0,25` comes from a runner whose locale has a decimal comma.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = float(text.replace(",", "" if _THOUSANDS.match(text.strip()) else "."))
        except ValueError:
            return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def read_moment(text: str) -> float:
    """Seconds since the epoch; 0 if missing or unreadable, or without a zone: it is unknown which one was meant.

    ISO 8601, also with `UTC` or `GMT` instead of an offset, and RFC 2822. A date alone is not a time.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return 0.0
    try:
        moment = datetime.fromisoformat(_ZONE_NAME.sub("+00:00", text) if text[0].isdigit() else text)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
    try:
        return max(0.0, moment.timestamp()) if moment.tzinfo is not None else 0.0
    except (ValueError, OverflowError):
        return 0.0
