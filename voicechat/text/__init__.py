"""Text: cleaning foreign words, masking secrets, localizable phrases, pieces."""
