"""Notices as files: people's tables (CSV, XLSX) in and out, gateways' lists in."""
