"""The console: for those with the token only, and without anybody's secrets."""

import json
import stat

import pytest
import requests
from botocore.exceptions import ClientError

SECRET = "kept-from-every-page-4711"


@pytest.fixture(scope="module")
def console(runtime):
    token = (runtime.data / "console-token").read_text()

    def ask(page, given=token):
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        return requests.get(f"{runtime.facts['endpoint']}/_countersign/{page}", headers=headers, verify=str(runtime.data / "ca.pem"), timeout=30)

    ask.token = token
    return ask


@pytest.mark.parametrize("page", ["map", "events", "outbox"])
@pytest.mark.parametrize("given", [None, "", "0" * 64])
def test_no_page_without_the_token(console, page, given):
    assert console(page).status_code == 200
    refused = console(page, given)
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"


def test_the_page_itself_runs_no_script_but_its_own(console):
    for file in ["", "console.js", "console.css"]:
        answer = console(file, None)
        assert answer.status_code == 200 and answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
        assert console.token not in answer.text
    assert '<script type="module" src=' in console("", None).text and "onclick" not in console("", None).text


def test_the_address_carries_the_token_for_its_owner_only(runtime, console):
    assert runtime.facts["console"].endswith(f"/_countersign/#{console.token}")
    for file in ["ready.json", "console-token", "countersign.log"]:
        assert stat.S_IMODE((runtime.data / file).stat().st_mode) == 0o600, file


def test_the_map_has_resources_and_what_they_name(console, admin):
    key = admin("kms").create_key()["KeyMetadata"]["Arn"]
    secret = admin("secretsmanager").create_secret(Name="console-map", SecretString=SECRET, KmsKeyId=key)["ARN"]
    shown = console("map").json()
    assert key in [n["id"] for n in shown["services"]["KMS"]]
    assert (secret, key) in [(e["from"], e["to"]) for e in shown["edges"]]


def test_a_refused_call_is_told_with_its_reason(console, limited):
    before = max(e["seq"] for e in console("events").json()["events"])
    user = limited()
    with pytest.raises(ClientError):
        user("kms").list_keys()
    events = console(f"events?after={before}").json()["events"]
    assert all(e["seq"] > before for e in events)
    call = next(e for e in events if e["point"] == "kms:ListKeys")
    assert call["subject"].endswith(f"user/{user.name}") and not call["allowed"] and "AccessDenied" in call["reason"]
    decision = next(e for e in events if e["kind"] == "decision" and e["trace"] == call["trace"])
    assert not decision["allowed"] and user.name in decision["reason"]


def test_secrets_appear_nowhere(console, runtime, admin):
    admin("secretsmanager").create_secret(Name="console-quiet", SecretString=SECRET)
    admin("ssm").put_parameter(Name="console-quiet", Value=SECRET, Type="SecureString")
    admin("iam").create_user(UserName="console-quiet")
    made = admin("iam").create_access_key(UserName="console-quiet")["AccessKey"]["SecretAccessKey"]
    for page in ["map", "events", "outbox"]:
        text = json.dumps(console(page).json())
        assert not any(hidden in text for hidden in [SECRET, made, runtime.secret, console.token])
