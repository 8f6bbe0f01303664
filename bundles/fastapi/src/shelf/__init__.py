"""A service that keeps books, in memory."""

import json
from typing import Annotated

from fastapi import FastAPI, HTTPException, Path
from pydantic import BaseModel, Field

app = FastAPI(title="Shelf", version="1.0")
_books: dict[int, "Book"] = {}


class Book(BaseModel):
    """A book as it is sent and returned."""

    title: str = Field(min_length=1)
    pages: int = Field(gt=0)
    tags: list[str] = []


@app.put("/books/{number}", status_code=201)
async def put(number: Annotated[int, Path(ge=1)], book: Book) -> Book:
    """Keep a book."""
    _books[number] = book
    return book


@app.get("/books/{number}")
async def get(number: int) -> Book:
    """Return a book."""
    if number not in _books:
        raise HTTPException(404, "no such book")
    return _books[number]


def print_openapi() -> None:
    """Print the service's description."""
    print(json.dumps(app.openapi(), indent=1))
