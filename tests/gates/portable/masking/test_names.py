from __future__ import annotations

import pytest

from gates.portable.masking.names import looks_secret, secrets_of

SECRET = """
    TOKEN MY_API_TOKEN GITHUB_TOKEN_2 GHTOKEN NPM_AUTH_TOKEN REFRESH_TOKENS API_TOKENS tokens
    DB_PASSWORD PGPASSWORD dbPassword MYSQL_PWD DB_PWD DB_PASS PASS DB_PW KEYSTORE_PASSWORD1 PASSWD SSH_PASSPHRASE
    SECRET CLIENT_SECRET AWS_SECRET_ACCESS_KEY aws_secret_access_key AWS_ACCESS_KEY_ID SECRETKEY DJANGO_SECRET_KEY
    APIKEY API_KEY OPENAI_API_KEY SIGNINGKEY SIGNING_KEYS DEPLOY_KEY MASTER_KEYS FERNET_KEYS SSH_KEY KEYS
    DATABASE_URL TEST_DATABASE_URL SENTRY_DSN DSN POSTGRES_DSNS COOKIE SESSION_COOKIES JWT JWT_PRIVATE ID_JWTS
    CREDS AWS_CREDS CREDENTIALS GOOGLE_CREDENTIALS_JSON HTTP_AUTH PROXY_AUTHORIZATION BEARER GH_PAT
    SLACK_WEBHOOK SLACK_WEBHOOK_URL AZURE_CONNECTION_STRING DB_CONN_STR
"""

HARMLESS = """
    PATH PWD OLDPWD OLD_PWD INIT_CWD HOME KEYBOARD COMPASS BYPASS AUTHOR GIT_AUTHOR_NAME MONKEY HOTKEY TURKEY KEYMAP
    TOKENIZERS_PARALLELISM MAX_TOKENS OPENAI_MAX_TOKENS NUM_TOKENS MAX_NEW_TOKENS PASSED PASSENGER PASSTHROUGH PASSPORT
    SECRETARY XAUTHORITY SSH_AUTH_SOCK GIT_ASKPASS SSH_ASKPASS PASSWORD_FILE DB_PASSWORD_FILE TOKEN_PATH KEY_DIR
    AUTH_TYPE TOKEN_TTL CACHE_KEY PUBLIC_KEY PUBLIC_KEYS SORT_KEY PRIMARY_KEY COOKIECUTTER_REPLAY CREDO PATIENCE PATTERN
    COMPAT DSNAME SHELL LANG TERM DBUS_SESSION_BUS_ADDRESS DISPLAY COLUMNS EDITOR WEBHOOKS_ENABLED PWDX
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_a_name_tells_a_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_a_name_that_only_sounds_so_tells_none(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("environment", "secrets"),
    [
        ({"X_TOKEN": " abc-123 \n"}, {"abc-123": "X_TOKEN"}),
        ({"X_TOKEN": "12345"}, {}),
        ({"HOMEPAGE": "https://me:hunter2hunter2@example.org/x"}, {"hunter2hunter2": "HOMEPAGE"}),
        ({"HOMEPAGE": "a https://me:p%40ss-word@h and"}, {"p%40ss-word": "HOMEPAGE", "p@ss-word": "HOMEPAGE"}),
        ({"HOMEPAGE": "postgres://postgres:postgres@localhost/db"}, {}),
        ({"HOMEPAGE": "https://example.org:8080/@scope/name"}, {}),
    ],
)
def test_values_tell_secrets(environment: dict[str, str], secrets: dict[str, str]) -> None:
    assert secrets_of(environment, (), ()) == secrets
