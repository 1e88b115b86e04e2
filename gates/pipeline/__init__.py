"""Services that several commands share: execute a plan and record it, run both sides of a comparison, run the layers of a stack."""
