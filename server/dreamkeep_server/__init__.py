"""The memory server: tools, the dream, the worker and the command line."""
