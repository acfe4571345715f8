"""Signing in over HTTP, for a token to paste."""

import httpx


def fetch_token(address: str, email: str, password: str) -> str | None:
    """An access token of the service at `address`, or None where it does not know the user."""
    answer = httpx.post(f"{address}/api/auth/token", data={"username": email, "password": password}, timeout=10)
    return str(answer.json()["access_token"]) if answer.status_code == 200 else None
