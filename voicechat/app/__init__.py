"""The program assembled: command line, parts built from it, targets to dial, model list."""
