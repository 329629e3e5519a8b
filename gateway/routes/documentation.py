"""The API's documentation: Swagger UI and ReDoc, served from an installed package.

No page here loads anything from another host, so they work without internet,
and a content security policy keeps it so.
"""

import importlib.util
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

ASSETS_PATH = "/docs/assets"
_ASSETS_PACKAGE = "fastapi_offline"
_TITLE = "Babelmill API"
# Swagger UI and ReDoc write styles into the page; ReDoc searches in a worker.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SWAGGER_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_TITLE}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{ASSETS_PATH}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{ASSETS_PATH}/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_SWAGGER_START = """window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_REDOC_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_TITLE}</title>
<link rel="icon" href="data:,">
<style>body {{ margin: 0; }}</style>
</head>
<body>
<div id="redoc"></div>
<script src="{ASSETS_PATH}/redoc.standalone.js"></script>
<script src="/redoc/start.js"></script>
</body>
</html>
"""
_REDOC_START = """Redoc.init(
  "/openapi.json",
  { disableSearch: false, hideLoading: true },
  document.getElementById("redoc"),
);
"""


@router.get("/docs")
async def swagger() -> HTMLResponse:
    """Show Swagger UI."""
    return _page(_SWAGGER_PAGE)


@router.get("/docs/start.js")
async def start_swagger() -> HTMLResponse:
    """Start Swagger UI; a file of its own, since the policy forbids inline scripts."""
    return HTMLResponse(_SWAGGER_START, media_type="text/javascript")


@router.get("/redoc")
async def redoc() -> HTMLResponse:
    """Show ReDoc."""
    return _page(_REDOC_PAGE)


@router.get("/redoc/start.js")
async def start_redoc() -> HTMLResponse:
    """Start ReDoc."""
    return HTMLResponse(_REDOC_START, media_type="text/javascript")


def mount_assets(app: FastAPI) -> None:
    """Serve the scripts and styles. Raises RuntimeError if their package is missing."""
    spec = importlib.util.find_spec(_ASSETS_PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {_ASSETS_PACKAGE} is not installed")
    folder = Path(spec.origin).parent / "static"
    app.mount(ASSETS_PATH, StaticFiles(directory=folder), name="documentation assets")


def _page(text: str) -> HTMLResponse:
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})
