"""A bare MCPServer with one tool: what any server over stdio costs before it does something."""

from mcp.server import MCPServer

server = MCPServer("bare")


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


server.run("stdio")
