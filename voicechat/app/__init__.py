"""The program assembled: command line, what is built from it, targets to dial, the list of models."""
