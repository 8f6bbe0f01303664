"""Content to file: the two containers, each written aside and put in place whole."""
