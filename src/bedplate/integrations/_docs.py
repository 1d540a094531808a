"""/docs for frameworks that bring none: Swagger UI, which loads nothing from other hosts."""

import html
import json
from pathlib import Path

from bedplate._extras import missing_extra

ASSETS = "/docs-assets"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; connect-src *; "
    "frame-ancestors 'none'"
)
FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
"""What the page loads, with the content type of each."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{assets}/swagger-ui.css">
<link rel="icon" type="image/png" href="{assets}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{assets}/swagger-ui-bundle.js"></script>
<script>
const ui = SwaggerUIBundle({options});
</script>
</body>
</html>
"""


def docs_page(title: str, root: str) -> str:
    """Write the page.

    Args:
        title: the API's.
        root: the prefix that a proxy takes from paths, or the empty string.
    """
    options = {
        "url": f"{root}/openapi.json",
        "dom_id": "#swagger-ui",
        "deepLinking": True,
        "validatorUrl": None,  # else the schema's address is sent to a validator on another host
    }
    return _PAGE.format(
        title=html.escape(f"{title} - Swagger UI"),
        assets=html.escape(root + ASSETS),
        options=json.dumps(options).replace("<", "\\u003c"),
    )


def assets_folder(extra: str) -> Path:
    """Find the files of Swagger UI.

    Args:
        extra: the extra of bedplate that brings them.

    Raises:
        MissingExtraError: the package with them is not installed.
    """
    try:
        from swagger_ui_bundle import swagger_ui_path
    except ImportError as error:
        raise missing_extra(extra, "swagger-ui-bundle-v2") from error
    return Path(swagger_ui_path)
