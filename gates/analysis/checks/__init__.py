"""What tests check, as their source shows it: claims of both sides, matched, and rules for what became weaker."""
