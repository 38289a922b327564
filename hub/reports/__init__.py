"""Paper: what the hub prints. It knows nothing of pages; commands and `run` hand it to them."""
