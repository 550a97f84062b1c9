"""Settings: everything an operator may change comes from the environment, each with a working default."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from cloudconsole.paths import PROJECT_DIR, resolve_paths
from cloudconsole.qdrant_servers import QdrantServers
from cloudconsole.secret_key import load_secret_key


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


BASE_DIR = PROJECT_DIR
PATHS = resolve_paths()
SECRET_KEY = load_secret_key(PATHS.data)
DEBUG = _flag("CLOUDCONSOLE_DEBUG")
ALLOWED_HOSTS = os.environ.get("CLOUDCONSOLE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CLOUDCONSOLE_TRUSTED_ORIGINS", "").split(",") if o]

# Where the pieces listen and what clients are told
BIND = os.environ.get("CLOUDCONSOLE_BIND", "127.0.0.1")
PUBLIC_HOST = os.environ.get("CLOUDCONSOLE_PUBLIC_HOST", "localhost")
CONSOLE_PORT = int(os.environ.get("CLOUDCONSOLE_PORT", "8000"))
API_GRPC_PORT = int(os.environ.get("CLOUDCONSOLE_GRPC_PORT", "8443"))
GATEWAY_REST_PORT = int(os.environ.get("GATEWAY_REST_PORT", "6333"))
GATEWAY_GRPC_PORT = int(os.environ.get("GATEWAY_GRPC_PORT", "6334"))
GATEWAY_MAX_BODY_BYTES = int(os.environ.get("GATEWAY_MAX_BODY_BYTES", str(32 * 1024 * 1024)))
GATEWAY_BODY_TIMEOUT_SECONDS = float(os.environ.get("GATEWAY_BODY_TIMEOUT_SECONDS", "60"))
GATEWAY_HOLD_SECONDS = float(os.environ.get("GATEWAY_HOLD_SECONDS", "30"))
# Prometheus metrics of each process; port 0 serves none
METRICS_BIND = os.environ.get("METRICS_BIND", "127.0.0.1")
CONSOLE_METRICS_PORT = int(os.environ.get("CONSOLE_METRICS_PORT", "9464"))
GATEWAY_METRICS_PORT = int(os.environ.get("GATEWAY_METRICS_PORT", "9465"))
API_METRICS_PORT = int(os.environ.get("API_METRICS_PORT", "9466"))
TASKS_METRICS_PORT = int(os.environ.get("TASKS_METRICS_PORT", "9467"))
NODE_AGENT_METRICS_PORT = int(os.environ.get("NODE_AGENT_METRICS_PORT", "9468"))
# A certificate for the gateway's ports and the admin API's gRPC port; without one the gateway serves plain text
TLS_CERT_FILE = os.environ.get("TLS_CERT_FILE", "")
TLS_KEY_FILE = os.environ.get("TLS_KEY_FILE", "")
TLS_DIR = PATHS.data / "tls"
# Where this cloud's own processes reach the gateway
GATEWAY_URL = os.environ.get(
    "GATEWAY_URL", f"{'https' if TLS_CERT_FILE else 'http'}://{PUBLIC_HOST}:{GATEWAY_REST_PORT}"
)
# What one API key may ask for, in one request and of one gateway process
GATEWAY_MAX_POINTS = int(os.environ.get("GATEWAY_MAX_POINTS", "10000"))
GATEWAY_MAX_INPUTS = int(os.environ.get("GATEWAY_MAX_INPUTS", "2000"))
GATEWAY_MAX_TOKENS = int(os.environ.get("GATEWAY_MAX_TOKENS", "1000000"))
GATEWAY_MAX_CONCURRENT_REQUESTS = int(os.environ.get("GATEWAY_MAX_CONCURRENT_REQUESTS", "256"))
GATEWAY_MAX_REQUESTS_PER_SECOND = float(os.environ.get("GATEWAY_MAX_REQUESTS_PER_SECOND", "5000"))
CONSOLE_URL = f"https://{PUBLIC_HOST}" if _flag("CLOUDCONSOLE_HTTPS") else f"http://{PUBLIC_HOST}:{CONSOLE_PORT}"
CLUSTER_DOMAIN = os.environ.get("CLOUDCONSOLE_CLUSTER_DOMAIN", "localhost")
# Qdrant servers of the operator's instead of embedded nodes, one for all regions or for each
QDRANT_SERVERS = QdrantServers(os.environ)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular_sidecar",
    "cloudconsole.accounts",
    "cloudconsole.api",
    "cloudconsole.web",
    "cloudconsole.supervisor",
    "clusters",
    "clusters.monitoring",
    "inference",
    "inference.imports",
    "billing",
    "billing.reports",
    "billing.budgets",
    "gateway",
]

MIDDLEWARE = [
    "cloudconsole.web.measuring.Measuring",
    "django.middleware.security.SecurityMiddleware",
    "cloudconsole.web.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "cloudconsole.urls"
ASGI_APPLICATION = "cloudconsole.asgi.application"
APPEND_SLASH = False  # the cloud's API paths have none; console paths follow suit

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cloudconsole.web.context.account",
                "cloudconsole.web.theme.theme",
            ],
        },
    }
]

# PostgreSQL everywhere: the embedded one on a unix socket unless DATABASE_URL names another.
EMBEDDED_POSTGRES = "DATABASE_URL" not in os.environ
_database: dict[str, Any] = (
    {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "cloudconsole",
        "USER": "postgres",
        "HOST": str(PATHS.postgres_socket_dir),
    }
    if EMBEDDED_POSTGRES
    else {**dj_database_url.config()}
)
# Kept by each thread that serves requests (`kept_threads.py`, the admin API's, the gateway's), and tried before use.
DATABASES = {"default": _database | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

EMBEDDED_REDIS = "REDIS_URL" not in os.environ
REDIS_SOCKET = PATHS.run / "redis.sock"
REDIS_URL = os.environ.get("REDIS_URL") or f"unix://{REDIS_SOCKET}"

CELERY_BROKER_URL = os.environ.get("REDIS_URL") or f"redis+socket://{REDIS_SOCKET}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# redis-py's default read timeout of 5 s would break Celery's blocking reads.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": None, "socket_connect_timeout": 2}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "forget-old-answers": {"task": "api.forget_old_answers", "schedule": 3600.0},
    "enforce-idleness": {"task": "clusters.enforce_idleness", "schedule": 3600.0},
    "sweep-operations": {"task": "clusters.sweep_operations", "schedule": 2.0, "options": {"expires": 2.0}},
    "sweep-downloads": {"task": "inference.sweep_downloads", "schedule": 5.0, "options": {"expires": 5.0}},
    "sweep-imports": {"task": "imports.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
    "remove-old-imports": {"task": "imports.remove_old_files", "schedule": 3600.0, "options": {"expires": 3600.0}},
    "sample-nodes": {"task": "monitoring.sample_nodes", "schedule": 15.0, "options": {"expires": 15.0}},
    "tidy-up-monitoring": {"task": "monitoring.tidy_up", "schedule": 3600.0, "options": {"expires": 3600.0}},
    "update-rollups": {"task": "billing.update_rollups", "schedule": 1.0, "options": {"expires": 1.0}},
    "make-partitions": {"task": "billing.make_partitions", "schedule": 3600.0},
    "meter-cluster-hours": {"task": "billing.meter_cluster_hours", "schedule": 60.0, "options": {"expires": 60.0}},
    "keep-tallies": {"task": "billing.keep_tallies", "schedule": 60.0, "options": {"expires": 60.0}},
    "close-months": {"task": "billing.close_months", "schedule": 600.0, "options": {"expires": 600.0}},
    "sweep-reports": {"task": "reports.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
    "deliver-months": {"task": "reports.deliver_finished_months", "schedule": 60.0, "options": {"expires": 60.0}},
    "check-budgets": {"task": "budgets.check", "schedule": 2.0, "options": {"expires": 2.0}},
    "sweep-notifications": {"task": "budgets.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
    "remove-old-exports": {"task": "reports.remove_old_files", "schedule": 3600.0, "options": {"expires": 3600.0}},
}

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "clusters:list"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "cloudconsole.web.static_files.VersionedStorage"},
}
WHITENOISE_USE_FINDERS = True  # served from where they are, no collecting

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
if _flag("CLOUDCONSOLE_HTTPS"):  # behind a TLS proxy that sets X-Forwarded-Proto
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cloudconsole.api.authentication.ManagementKeyAuthentication",
        "cloudconsole.api.authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "cloudconsole.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

# Billing: what accounts with a paid cluster get for nothing each calendar month, per model
BILLING_FREE_TEXT_TOKENS = int(os.environ.get("BILLING_FREE_TEXT_TOKENS", "5000000"))
BILLING_FREE_IMAGE_TOKENS = int(os.environ.get("BILLING_FREE_IMAGE_TOKENS", "1000000"))
BILLING_FREE_MODELS = os.environ.get("BILLING_FREE_MODELS", "qdrant/bm25").split(",")
BILLING_TAX_PERCENTAGE = Decimal(os.environ.get("BILLING_TAX_PERCENTAGE", "0"))

# Inference
INFERENCE_CACHE_DIR = PATHS.models
INFERENCE_MODELS_DIR = Path(d) if (d := os.environ.get("INFERENCE_MODELS_DIR")) else None
INFERENCE_OFFLINE = _flag("INFERENCE_OFFLINE") or _flag("HF_HUB_OFFLINE")
INFERENCE_IMAGE_HTTP = _flag("INFERENCE_IMAGE_HTTP")
INFERENCE_PROVIDERS = tuple(p.strip() for p in os.environ.get("INFERENCE_PROVIDERS", "").split(",") if p.strip())
INFERENCE_MEMORY_MB = int(os.environ.get("INFERENCE_MEMORY_MB", "0"))  # 0: half of the machine's or the container's
INFERENCE_TIMEOUT_SECONDS = float(os.environ.get("INFERENCE_TIMEOUT_SECONDS", "120"))
INFERENCE_FREE_MODELS_EVERYWHERE = _flag("INFERENCE_FREE_MODELS_EVERYWHERE")
# Empty: the provider's own address (inference/worker/external/providers.py)
INFERENCE_EXTERNAL_URLS = {
    "openai": os.environ.get("INFERENCE_OPENAI_URL", ""),
    "cohere": os.environ.get("INFERENCE_COHERE_URL", ""),
    "jinaai": os.environ.get("INFERENCE_JINA_URL", ""),
    "openrouter": os.environ.get("INFERENCE_OPENROUTER_URL", ""),
}
INFERENCE_LISTEN = os.environ.get("INFERENCE_LISTEN", str(PATHS.run / "inference.sock"))
INFERENCE_ADDRESSES = os.environ.get("INFERENCE_ADDRESSES", INFERENCE_LISTEN).split(",")

# Imports: where uploaded files are kept until they are done (console and task workers share it), the largest one
INFERENCE_IMPORTS_DIR = Path(os.environ.get("INFERENCE_IMPORTS_DIR") or PATHS.data / "imports")
INFERENCE_IMPORT_MAX_BYTES = int(os.environ.get("INFERENCE_IMPORT_MAX_BYTES", str(100 * 1024 * 1024)))

# Billing: where files of exports are kept (console and task workers share it), and how long
BILLING_EXPORTS_DIR = Path(os.environ.get("BILLING_EXPORTS_DIR") or PATHS.data / "exports")
BILLING_EXPORT_DAYS = int(os.environ.get("BILLING_EXPORT_DAYS", "7"))
# Webhooks of budgets may go to http and to addresses that are not public: those of the operator's own network
BUDGET_WEBHOOKS_INTERNAL = _flag("BUDGET_WEBHOOKS_INTERNAL")

# E-mail: without a server, messages stand in the task worker's log
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", f"cloudconsole@{PUBLIC_HOST}")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name} {message}", "style": "{"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
    "loggers": {"httpx": {"level": "WARNING"}, "botocore": {"level": "WARNING"}, "uvicorn.error": {"level": "WARNING"}},
    "root": {"handlers": ["stdout"], "level": os.environ.get("CLOUDCONSOLE_LOG_LEVEL", "INFO")},
}
