"""What PGB can do on this machine, measured against a floor in the same run: `make bench`."""
