"""Which tests became slower or faster: samples in, findings out. Pure."""
