"""Sends one webhook: signed, to an address that was checked, and to no other."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from services.notify.core.retry import Outcome, retry_after_seconds
from services.notify.core.targets import BadTarget, IpAddress, Target, choose, parse_target

RESOLVE_SECONDS = 5.0
USER_AGENT = "Bellwether-Webhooks/1"

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host. Raises OSError or TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class WebhookSender:
    """The transport is used bare: it follows no redirect, keeps no cookie, reads no proxy from the
    environment. Connections are not kept, for a kept one to an address could have been made under
    another name's certificate. ``tls`` None: the system's certificate authorities."""

    def __init__(
        self,
        *,
        allow_private: bool,
        total_seconds: float,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._seconds = total_seconds
        self._resolve = resolve
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls or ssl.create_default_context(),
            trust_env=False,
            http1=True,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        await self._transport.aclose()

    async def admit(self, url: str) -> None:
        """Raise `BadTarget` for a URL that would be refused; one that does not resolve passes."""
        target = self._parse(url)
        try:
            addresses = await self._resolve(target.host, target.port)
        except (OSError, TimeoutError):
            return
        choose(addresses, allow_private=self._allow_private)

    async def send(
        self, url: str, body: str, *, secret: str, message_id: str, at: datetime
    ) -> Outcome:
        """One attempt. Whatever goes wrong on the way is in the outcome."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._send(url, body, _headers(body, secret, message_id, at))
        except TimeoutError:
            return Outcome(None, f"no answer within {self._seconds:g} s")
        except BadTarget as error:
            return Outcome(None, f"the URL {error}")
        except (OSError, httpx.HTTPError, UnicodeError) as error:
            return Outcome(None, f"{type(error).__name__}: {error}"[:500].replace("\0", "�"))

    def _parse(self, url: str) -> Target:
        return parse_target(url, allow_plain=self._allow_private)

    async def _send(self, url: str, body: str, headers: dict[str, str]) -> Outcome:
        target = self._parse(url)
        addresses = choose(
            await self._resolve(target.host, target.port), allow_private=self._allow_private
        )
        for address in addresses[:-1]:
            try:
                return await self._post(target, address, body, headers)
            except httpx.ConnectError:
                continue  # the next address of the same name
        return await self._post(target, addresses[-1], body, headers)

    async def _post(
        self, target: Target, address: IpAddress, body: str, headers: dict[str, str]
    ) -> Outcome:
        request = httpx.Request(
            "POST",
            target.url_at(address),
            content=body.encode(),
            headers={**headers, "Host": target.authority},
            extensions=self._extensions(target),
        )
        response = await self._transport.handle_async_request(request)
        await response.aclose()  # the status says all; a body could be endless
        return _outcome(response)

    def _extensions(self, target: Target) -> dict[str, Any]:
        limit = self._seconds
        timeouts = {"connect": min(5.0, limit), "read": limit, "write": limit, "pool": limit}
        return {"timeout": timeouts, "sni_hostname": target.host}


def _headers(body: str, secret: str, message_id: str, at: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


def _outcome(response: httpx.Response) -> Outcome:
    status = response.status_code
    if 200 <= status < 300:
        return Outcome(status)
    reason = "a redirect, which is not followed" if 300 <= status < 400 else "no success"
    wish = retry_after_seconds(response.headers.get("retry-after"))
    return Outcome(status, f"answered {status}: {reason}", wish)
