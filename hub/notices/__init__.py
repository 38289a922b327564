"""What carries messages out: mail, a call to an address, and whatever `apprise` knows."""
