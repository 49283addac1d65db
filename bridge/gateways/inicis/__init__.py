"""KG Inicis. So far only the window that a shop's own page opens (window.py)."""
