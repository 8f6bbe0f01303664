"""Use Django's admin and SymPy from a path entry, and prove that it served every module of theirs.

Run by a Python that has neither installed:

    python -I -S main.py ENTRY         from a directory they are installed in
    python -I -S main.py ENTRY SRC     from a bundle, with litebundle itself imported from SRC
"""

import importlib.util
import sys
import types
from types import ModuleType

PACKAGES = ("django", "asgiref", "sqlparse", "sympy", "mpmath")
PASSWORD = "only for this run"  # noqa: S105 - of a user in an in-memory database
ADMIN = "admin@example.org"


def expect(what: str, holds: object) -> None:
    """Print what was tried, and leave with exit code 1 if it did not hold."""
    print(f"  {'ok' if holds else 'FAILED':7}{what}", flush=True)
    if not holds:
        sys.exit(1)


def use(entry: str, litebundle_src: str | None) -> None:
    """Put the entry on `sys.path`, and litebundle's hook before it when its source is given."""
    expect("nothing of them on sys.path before", not any(map(importlib.util.find_spec, PACKAGES)))
    if litebundle_src is not None:
        sys.path.insert(0, litebundle_src)
        import litebundle

        litebundle.install()
    sys.path.insert(0, entry)


def configure_django() -> None:
    """Set Django up with its admin, an in-memory database and no settings file."""
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=[
            f"django.contrib.{app}"
            for app in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        ROOT_URLCONF="urls",
        STATIC_URL="/static/",
        SECRET_KEY=PASSWORD,
        ALLOWED_HOSTS=["testserver"],
        # Hashing passwords slowly is not what is shown here.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()


def route_admin() -> None:
    """Define the `urls` module that Django's settings name."""
    from django.contrib import admin
    from django.urls import path

    urls = types.ModuleType("urls")
    urls.urlpatterns = [path("admin/", admin.site.urls)]  # type: ignore[attr-defined]
    sys.modules["urls"] = urls


def try_admin() -> None:
    """Create the tables and a superuser, and read the admin's pages as a browser would."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("root", ADMIN, PASSWORD)
    expect("migrations ran, a superuser is in the database", User.objects.count() == 1)
    client = Client()
    expect("login", client.login(username="root", password=PASSWORD))
    for url, language, text in (
        ("/admin/", "en", "Site administration"),
        ("/admin/auth/user/", "en", ADMIN),
        ("/admin/", "de", "Website-Verwaltung"),
    ):
        response = client.get(url, headers={"accept-language": language})
        found = response.status_code == 200 and text in response.text
        expect(f"GET {url} ({language}): {response.status_code}, {text!r}", found)


def try_data_files() -> None:
    """Find and open a static file by its path, as Django's own server does."""
    from django.contrib.staticfiles import finders

    css = finders.find("admin/css/base.css")
    expect("static file admin/css/base.css found", css)
    with open(css, encoding="utf-8") as file:  # noqa: PTH123 - opened as an application would
        expect(f"and opened: {css}", "font-family" in file.read())


def try_sympy() -> None:
    """Integrate, and check the answer by differentiating it."""
    from sympy import diff, exp, integrate, simplify, sin, symbols

    x = symbols("x")
    integrand = exp(x) * sin(x) ** 2
    answer = integrate(integrand, x)
    expect(f"integral of {integrand} is {answer}", simplify(diff(answer, x) - integrand) == 0)


def served_elsewhere(module: ModuleType, entry: str, *, bundled: bool) -> bool:
    """Tell whether a module came from anywhere but the entry: by its loader, or its file."""
    spec = module.__spec__
    if bundled:
        return not type(getattr(spec, "loader", None)).__module__.startswith("litebundle.")
    return not str(getattr(spec, "origin", None)).startswith(entry)


def report(entry: str, *, bundled: bool) -> None:
    """Print where the modules came from, and fail if one of them came from elsewhere."""
    theirs = {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES
    }
    foreign = sorted(
        name for name, module in theirs.items() if served_elsewhere(module, entry, bundled=bundled)
    )
    for name in ("django", "sympy"):
        loader = type(theirs[name].__spec__.loader)
        print(f"  {name}.__file__ = {theirs[name].__file__}")
        print(f"  {name} was loaded by {loader.__module__}.{loader.__qualname__}")
    for name in foreign:
        print(f"  not from there: {name} ({theirs[name].__spec__})")
    expect(f"{len(theirs)} modules of {', '.join(PACKAGES)} came from {entry}", not foreign)


def main() -> None:
    """Run every check, stopping at the first that fails."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    entry, litebundle_src = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    use(entry, litebundle_src)
    configure_django()
    route_admin()
    try_admin()
    try_data_files()
    try_sympy()
    report(entry, bundled=litebundle_src is not None)


if __name__ == "__main__":
    main()
