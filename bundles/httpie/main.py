"""Compose a request with HTTPie as its command line does, and print it; nothing is sent."""

import sys
from importlib import metadata

from httpie.core import main
from httpie.status import ExitStatus


def http(*arguments: str) -> None:
    """Run `http`, without the user's configuration."""
    sys.stdout.flush()
    status = main(["http", "--ignore-stdin", "--offline", "--pretty=format", *arguments])
    print(f"\n[{status.name}]")
    assert status is ExitStatus.SUCCESS


print("HTTPie", metadata.version("httpie"))
http("--print=HB", "POST", "example.org/items", "X-Trace:42", "name=café", "count:=3", "tags[]=a")
http("--print=HB", "--form", "PUT", "https://example.org/form", "a=1", "b==2")
http("--print=B", "--multipart", "--boundary=xx", "example.org", "field=value")
http("--print=H", "--auth=user:secret", "example.org:8080/private", "page==2")
http("--print=B", "--pretty=all", "--style=monokai", "POST", "example.org", 'raw:={"b": [1, null]}')
