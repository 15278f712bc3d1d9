"""`dreamkeep demo`: a sample memory, and the script that lets it dream."""
