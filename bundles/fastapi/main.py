"""Use the service as a client would, through ASGI: what it keeps, refuses and says of itself."""

import asyncio
from importlib import metadata

import httpx
import pydantic_core
import shelf

REQUESTS = (
    ("PUT", "/books/1", {"title": "Löwen", "pages": 12, "tags": ["a"]}),
    ("GET", "/books/1", None),
    ("GET", "/books/2", None),
    ("PUT", "/books/0", {"title": "", "pages": "many"}),
    ("DELETE", "/books/1", None),
)


async def talk() -> None:
    """Send each request, and print what comes back."""
    transport = httpx.ASGITransport(shelf.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shelf") as client:
        for method, path, body in REQUESTS:
            response = await client.request(method, path, json=body)
            print(method, path, response.status_code, response.text)
        docs = await client.get("/docs")
        print("docs:", docs.status_code, "swagger" in docs.text)


asyncio.run(talk())
print("core:", pydantic_core.SchemaValidator({"type": "int"}).validate_json("42"))
[script] = metadata.entry_points(group="console_scripts", name="shelf-openapi")
script.load()()
