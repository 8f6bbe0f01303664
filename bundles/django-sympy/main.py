"""Use Django's admin, as a browser would, and SymPy."""

import sys
import types

PASSWORD = "only for this run"  # noqa: S105 - of a user in an in-memory database
ADMIN = "admin@example.org"


def expect(what: str, holds: object) -> None:
    """Print what was tried, and leave with exit code 1 if it did not hold."""
    print(f"  {'ok' if holds else 'FAILED':7}{what}", flush=True)
    if not holds:
        sys.exit(1)


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
        expect("and opened", "font-family" in file.read())


def try_sympy() -> None:
    """Integrate, and check the answer by differentiating it."""
    from sympy import diff, exp, integrate, simplify, sin, symbols

    x = symbols("x")
    integrand = exp(x) * sin(x) ** 2
    answer = integrate(integrand, x)
    expect(f"integral of {integrand} is {answer}", simplify(diff(answer, x) - integrand) == 0)


if __name__ == "__main__":
    configure_django()
    route_admin()
    try_admin()
    try_data_files()
    try_sympy()
