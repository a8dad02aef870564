"""Templates to self-contained HTML, with everything that is put in escaped."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("vptbench", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **values: object) -> str:
    """Fill a template of the package.

    Args:
        template: Its path in the package, such as "report/page.html".
        values: What it names. Texts are escaped; only `markupsafe.Markup` is taken as HTML.
    """
    return _environment().get_template(template).render(**values)
