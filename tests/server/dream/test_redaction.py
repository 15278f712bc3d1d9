import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreamkeep_server.dream.redaction import redact

LONG = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3"

SECRETS = [
    ("the key is sk-ant-api03-" + LONG, "sk-ant", "Anthropic key"),
    ("OPENAI: sk-proj-" + LONG, "sk-proj", "OpenAI key"),
    ("old one sk-" + LONG, LONG, "OpenAI key"),
    ("id AKIAIOSFODNN7ABCDEFG done", "AKIA", "AWS key id"),
    ("aws_secret_access_key = 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", "wJalr", "credential"),
    ("remote: ghp_" + LONG[:36], "ghp_", "GitHub token"),
    ("github_pat_11AAAAAAA0" + LONG, "github_pat_", "GitHub token"),
    ("glpat-" + LONG[:20], "glpat", "GitLab token"),
    ("xoxb-123456789012-abcdefABCDEF", "xoxb", "Slack token"),
    ("https://hooks.slack.com/services/T000/B000/" + LONG[:24], LONG[:24], "Slack webhook"),
    ("sk_live_" + LONG[:24], "sk_live", "Stripe key"),
    ("AIza" + LONG[:35], "AIza", "Google key"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJ", "JSON web token"),
    ("curl -H 'Authorization: Bearer abc123def456ghi789'", "abc123", "bearer token"),
    ("postgres://app:s3cr3t-pw@db.internal:5432/app", "s3cr3t", "password"),
    ("DB_PASSWORD=letmein", "letmein", "password"),
    ('{"password": "hunter2"}', "hunter2", "password"),
    ('{\\"password\\": \\"hunter2\\"}', "hunter2", "password"),
    ('"token": "f0e1d2c3b4a5968778695a4b3c2d1e0f"', "f0e1d2", "credential"),
    ("API_KEY: 9fJ2kd8s7Hq1", "9fJ2", "credential"),
    ("apiKey = 'k3y-v4lu3-th4t-1s-l0ng'", "k3y", "credential"),
    ("deploy --password s3cure!pw now", "s3cure", "password"),
    ("The password is Tr0ub4dor&3", "Tr0ub4dor", "password"),
    ("DB_PASS=s3cr3tvalue", "s3cr3tvalue", "password"),
    ("pw: Xk29dkfj2", "Xk29dkfj2", "password"),
    ("AWS secret access key wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY", "wJalr", "AWS secret key"),
    ("the token for staging is abc123def456ghi789", "abc123", "credential"),
    ("The password for the wiki is hunter22", "hunter22", "password"),
    ("mysql -uroot -phunter22", "hunter22", "password"),
    ("mysqldump -h db -u root -phunter22 shop > shop.sql", "hunter22", "password"),
    ("bot 123456789:AAF" + LONG[:32] + " runs", "AAF", "Telegram token"),
    ("sk\u200b-ant-api03-" + LONG, LONG[:20], "Anthropic key"),
    ("sk-ant-api03-" + LONG[:20] + "\u200b" + LONG[20:], LONG[20:], "Anthropic key"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc+/=\n-----END RSA PRIVATE KEY-----\nend", "MIIE", "private key"),
    ("-----BEGIN PRIVATE KEY-----\n" + "A1b2" * 16 + "\n" + "C3d4" * 16, "A1b2", "private key"),
]  # fmt: skip

HARMLESS = [
    "commit 3f5c1d0a9e8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    '"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="',
    "session 7f9c24e8-3b1a-4f52-9d0e-6a1b2c3d4e5f ended",
    "/usr/local/lib/python3.11/site-packages/token/password.py:12",
    "max_tokens=4096, input_tokens: 12345, token_count = 17",
    "The password is required and must have 12 characters.",
    "password: required",
    "connect(password=password, token=self.token, secret=os.environ['SECRET'])",
    "PASSWORD=${DB_PASSWORD} TOKEN=<your-token>",
    "api_key: str | None = None",
    "The cache key=user_1234567890 expires.",
    "Use a password manager; never share tokens.",
    "scikit: sk-learn-contrib and task-force-141-and-more-words-here",
    "The bearer of authentication-certificates",
    "http://localhost:8080/path@version",
    "git clone git@github.com:acme/site.git",
    "Her secret is patience, the token for lunch is 12345, and the key for it is to be early.",
    "The tests pass: 12345678 of them, and bypass=1234abcd is a flag; the compass: N45E12 shows north.",
    "mysql -p opens a prompt; ssh -p2222 host; mysql -u root -p shop",
    "AWS secret access keys are rotated; AWS commit 3f5c1d0a9e8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d",
    "at 12345678:30 the build 123456789:AB ended",
    "The family \U0001f468\u200d\U0001f469\u200d\U0001f467 and na\u200bme stay.",
    "Her secret is patience, and the key to success is practice.",
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_a_secret_is_replaced_by_its_kind(text: str, secret: str, kind: str):
    redacted = redact(text)
    assert secret not in redacted.text
    assert f"[redacted: {kind}]" in redacted.text
    assert kind in redacted.kinds
    assert redacted.count == 1


@pytest.mark.parametrize("text", HARMLESS)
def test_hashes_paths_code_and_prose_stay_as_they_are(text: str):
    assert redact(text).text == text


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_what_stands_around_a_secret_stays(text: str, secret: str, kind: str):
    redacted = redact(f"before it\n{text}\nafter it")
    assert redacted.text.startswith("before it\n")
    assert redacted.text.endswith("\nafter it")


def test_prose_after_a_mentioned_key_block_stays():
    text = "The file starts with -----BEGIN PRIVATE KEY----- and then goes on for pages."
    assert redact(text).text == text


PIECES = st.sampled_from(
    [
        "password",
        "token",
        "=",
        ": ",
        '"',
        "'",
        " ",
        "\n",
        "hunter22",
        "sk-",
        LONG,
        "Bearer ",
        "://",
        ":",
        "@",
        "eyJ",
        ".",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "[redacted: password]",
        "api_key",
        "is ",
        " for ",
        "mysql -p",
        "pw",
        "\u200b",
        "--",
        "x1",
        "]",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
@example("password=" * 30 + "a1b2c3d4")
@example("password: hunter22 token=abc12345")
def test_redacting_again_changes_nothing(text: str):
    once = redact(text)
    again = redact(once.text)
    assert (again.text, again.count) == (once.text, 0)


@pytest.mark.parametrize(
    "unit",
    [
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "eyJaaaaaaaa.",
        "password=",
        "a://b:",
        "token: ",
        "sk-",
        "A",
        "Bearer ",
        "=",
        " ",
        'key\\"',
        "-----BEGIN ",
        "ghp_a",
        "mysql ",
        "mysql -p",
        "AWS secret ",
        "aws_key=",
        "token for ",
        "the token for a is ",
        "password of a ",
        "pass",
        "pw: ",
        "123456789:A",
        "a\u200b",
    ],
)
def test_a_megabyte_of_near_misses_is_read_in_seconds(unit: str):
    started = time.process_time()
    redact(unit * (1_000_000 // len(unit)))
    # Linear rules take well under two seconds; a quadratic one would take hours.
    assert time.process_time() - started < 30
