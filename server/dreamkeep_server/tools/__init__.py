"""What a client sees: tools, resources and prompts over the store."""
