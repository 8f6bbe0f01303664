"""File to modules: everything that runs inside a deployed app.

It imports nothing but builtin and frozen modules, format/ and errors: a bare interpreter will do.
"""
