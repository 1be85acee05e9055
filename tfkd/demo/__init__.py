"""A local page on which an exported student classifies what is typed."""
