"""Files of sessions: saved, mapped, restored."""
