"""The gate as a thing: sources of its pins, parts, circuit, harness, box and pictures.

Nothing here runs on a gate or a hub. The scripts need the packages of the extra `dev`.
"""
