"""Bearer tokens of the HTTP server: what a secret allows, and the addresses that must agree about it."""

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from dreamkeep_store.store import Stores

HOST = "127.0.0.1"
"""The only address listened on: this server has no TLS, and a token must not cross a network without it."""
PATH = "/mcp"
BODY_BYTES_MAX = 4 * 1024 * 1024


class StoreTokens:
    """Tells the SDK whose token a secret is; the store keeps only digests of them."""

    def __init__(self, stores: Stores, resource: str) -> None:
        self._stores = stores
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        """The stores and rights that the secret gives, or None for one that is unknown or revoked."""
        found = await self._stores.check_token(token)
        if found is None:
            return None
        return AccessToken(
            token=token,
            client_id=found.token_id,
            scopes=["read", "write"] if found.rights == "write" else ["read"],
            resource=self._resource,
            claims={"stores": list(found.stores), "name": found.name},
        )


def resource_address(port: int) -> str:
    """The address that clients connect to, which is also what a token is good for."""
    return f"http://{HOST}:{port}{PATH}"


def auth_settings(port: int) -> AuthSettings:
    """The SDK's settings for tokens that this server hands out itself, without OAuth."""
    return AuthSettings(
        issuer_url=AnyHttpUrl(f"http://{HOST}:{port}"),
        resource_server_url=AnyHttpUrl(resource_address(port)),
        validate_token_resource=True,
        required_scopes=["read"],
    )
