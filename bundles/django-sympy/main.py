"""Use Django's admin, as a browser would, and SymPy."""

import os
import sys

PASSWORD = "only for this run"  # noqa: S105 - of a user in an in-memory database
ADMIN = "admin@example.org"


def expect(what: str, holds: object) -> None:
    """Print what was tried, and leave with exit code 1 if it did not hold."""
    print(f"  {'ok' if holds else 'FAILED':7}{what}", flush=True)
    if not holds:
        sys.exit(1)


def configure_django() -> None:
    """Set Django up with the site's own settings."""
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "website.settings"
    django.setup()
    setup_test_environment()
    # Hashing passwords slowly is not what is shown here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


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
    try_admin()
    try_data_files()
    try_sympy()
