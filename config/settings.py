"""Settings of every PGB process, all from the environment; README.md lists the variables."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab

from bridge.gateways import GATEWAYS as PGB_GATEWAYS  # noqa: F401  a setting: merchants may not import bridge
from config import logging as log
from config.back_office import UNFOLD  # noqa: F401  a setting of the admin's theme
from config.environment import (
    broker,
    database,
    env,
    field_keys,
    mail_server,
    networks,
    pairs,
    required,
    staff_webhook,
    two_factor,
    web_address,
)

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY")
PGB_FIELD_KEYS = field_keys(required("PGB_FIELD_KEYS"))
PGB_PUBLIC_URL = web_address("PGB_PUBLIC_URL", required("PGB_PUBLIC_URL"))
PGB_STRIPE_BASE_URL = web_address(
    "PGB_STRIPE_BASE_URL", env.str("PGB_STRIPE_BASE_URL", default="https://api.stripe.com")
)
# The gateways that PGB can talk to; others can be set up but not connected.

PGB_TWO_FACTOR = two_factor(env.bool("PGB_TWO_FACTOR", default=True), PGB_PUBLIC_URL)
PGB_ACCOUNT_VERIFICATION_MIDS = pairs(
    "PGB_ACCOUNT_VERIFICATION_MIDS", env.list("PGB_ACCOUNT_VERIFICATION_MIDS", default=[])
)
PGB_SHOP_CALLS_PER_MINUTE = env.int("PGB_SHOP_CALLS_PER_MINUTE", default=600)
PGB_PUBLIC_CALLS_PER_MINUTE = env.int("PGB_PUBLIC_CALLS_PER_MINUTE", default=300)
PGB_REFUND_UNWANTED_PAYMENTS = env.bool("PGB_REFUND_UNWANTED_PAYMENTS", default=True)
PGB_BODY_DAYS = env.int("PGB_BODY_DAYS", default=180)
PGB_WEB_THREADS = env.int("PGB_WEB_THREADS", default=16)
PGB_WORKER_THREADS = env.int("PGB_WORKER_THREADS", default=16)
PGB_METRICS_ALLOW = networks("PGB_METRICS_ALLOW", env.list("PGB_METRICS_ALLOW", default=[]))

# Staff are told what needs a person: by mail, by a signed webhook, or both.
PGB_STAFF_EMAILS = env.list("PGB_STAFF_EMAILS", default=[])
vars().update(mail_server(env.str("EMAIL_URL", default=""), PGB_STAFF_EMAILS))
DEFAULT_FROM_EMAIL = env.str("PGB_MAIL_FROM", default=f"pgb@{urlsplit(PGB_PUBLIC_URL).hostname}")
PGB_STAFF_WEBHOOK_URL, PGB_STAFF_WEBHOOK_SECRET = staff_webhook(
    env.str("PGB_STAFF_WEBHOOK_URL", default=""), env.str("PGB_STAFF_WEBHOOK_SECRET", default="")
)

_SECURE = PGB_PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(PGB_PUBLIC_URL).hostname])
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PGB_PUBLIC_URL))]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin: it replaces its templates
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "config.people.back_office.BackOfficeConfig",  # the admin, with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "auditlog",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "import_export",
    "merchants",
    "installments",
    "payments",
    "bridge",
    "config.people",  # the last: its roles are made of the permissions of all
]
MIDDLEWARE = [
    "bridge.middleware.request_id",
    "bridge.middleware.doors_for_machines",
    "bridge.middleware.count_requests",
    "bridge.middleware.our_hosts",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.people.idle.SessionsOfStaff",
    "django.middleware.locale.LocaleMiddleware",
    "config.languages.language_of_the_back_office",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "merchants.audit.name_the_actor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
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
            ],
        },
    }
]

DATABASES = {"default": database(required("DATABASE_URL"), max(PGB_WEB_THREADS, PGB_WORKER_THREADS) + 1)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]

# Sessions are the back office's alone: they end after half an hour without a request (config.people.idle).
SESSION_COOKIE_AGE = 30 * 60

# The address is the connection's own: behind a proxy everybody has the same, and the name alone decides.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "config.people.lockout.page"
AXES_SENSITIVE_PARAMETERS = [
    "username",
    "ip_address",
    "code",
    "csrfmiddlewaretoken",
    # Of the forms that ask once more who it is.
    "proof-secret",
    "bank",
    "account",
    "holder",
]
AXES_DISABLE_ACCESS_LOG = True  # the history has the logins
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

OTP_TOTP_ISSUER = "PGB"

AUDITLOG_CID_GETTER = "merchants.audit.request_id"
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_USE_FK_STRING_REPRESENTATION = True  # "stripe-kr" says more than 12, and still does when 12 is gone

LANGUAGE_CODE = "ko"
LANGUAGE_COOKIE_NAME = "pgb_language"
LANGUAGE_COOKIE_PATH = "/admin/"  # the choice of staff is the back office's: pages for buyers follow the browser
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGES = [("ko", "한국어"), ("ja", "日本語"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "libraries"]
TIME_ZONE = "Asia/Seoul"
USE_TZ = True

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from the packages themselves: nothing to collect when deploying

SECURE_SSL_REDIRECT = _SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _SECURE
SECURE_HSTS_PRELOAD = _SECURE
SESSION_COOKIE_SECURE = _SECURE
CSRF_COOKIE_SECURE = _SECURE
LANGUAGE_COOKIE_SECURE = _SECURE
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["bridge.callers.ShopAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "EXCEPTION_HANDLER": "bridge.functions.answer_to",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
# Pages of shops may read what the functions answer; which pages: bridge.functions.may_be_read_by.
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_METHODS = ["GET", "POST"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "x-request-id"]
CORS_EXPOSE_HEADERS = ["etag", "retry-after", "x-request-id"]
SPECTACULAR_SETTINGS = {
    "TITLE": "PGB, Payment Gateway Bridge",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",  # the first that knows webhooks
    "WEBHOOKS": ["bridge.api_docs.completion"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "bridge.api_docs.complete_schema"],
    "ENUM_NAME_OVERRIDES": {"PGTypeEnum": "merchants.codes.GatewayCode.values"},
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # no page of ours calls another host
}

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = log.configure(env.str("LOG_LEVEL", default="INFO"))

CELERY_BROKER_URL = broker(required("REDIS_URL"))
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A publish to a Redis that is stopped or hangs must fail at once: the dispatcher then drains by itself.
    "socket_timeout": 0.25,
    "socket_connect_timeout": 0.25,
    "max_retries": 0,
    "visibility_timeout": 300,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = TIME_ZONE
# Only slow work: beat stops with Redis, and two beats are harmless.
CELERY_BEAT_SCHEDULE = {
    "empty-old-bodies": {"task": "bridge.tasks.empty_old_bodies", "schedule": 6 * 60 * 60},
    # Early in the morning of Seoul; the later ones find something to do only where a gateway did not answer.
    "reconcile": {"task": "bridge.tasks.reconcile_days", "schedule": crontab(hour="4-7", minute=10)},
    "clear-sessions": {"task": "bridge.tasks.clear_sessions", "schedule": 24 * 60 * 60},
}
