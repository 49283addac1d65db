"""Local stand-ins for the gateways and for the receiving shop, over real HTTP.

For demos and tests. Use `from bridge.sandbox.sandbox import Sandbox`; every module of the package that could
serve anything refuses to be imported in production settings (see guard.py).
"""
