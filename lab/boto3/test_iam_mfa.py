"""Virtual MFA devices: codes really checked, once each, and what the MFA condition keys then open."""

import json
import time

import pyotp
import pytest
from botocore.exceptions import ClientError
from conftest import allow
from test_iam import assumed, code, trust


def moved(totp, steps):
    """The code of some steps from now."""
    return totp.at(int(time.time()) + 30 * steps)


def in_step():
    """Waits where a step is about to end, so that the codes of one test are of one step."""
    if time.time() % 30 > 24:
        time.sleep(6.5)


def device(iam, name, user=None):
    """A device, its codes; enabled for a user with those of the two steps before this one."""
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    serial, totp = made["SerialNumber"], pyotp.TOTP(made["Base32StringSeed"].decode())
    if user:
        in_step()
        iam.enable_mfa_device(
            UserName=user, SerialNumber=serial, AuthenticationCode1=moved(totp, -2), AuthenticationCode2=moved(totp, -1)
        )
    return serial, totp


def test_the_life_of_a_device(admin, limited, account):
    iam, clients = admin("iam"), limited()
    serial, totp = device(iam, "life")
    assert serial == f"arn:aws:iam::{account}:mfa/life"
    assert code(lambda: iam.create_virtual_mfa_device(VirtualMFADeviceName="life")) == "EntityAlreadyExists"
    enable = lambda one, two: iam.enable_mfa_device(
        UserName=clients.name, SerialNumber=serial, AuthenticationCode1=one, AuthenticationCode2=two
    )
    in_step()
    assert code(lambda: enable(moved(totp, -1), moved(totp, -2))) == "InvalidAuthenticationCode", "not in order"
    assert code(lambda: enable("000000", "111111")) == "InvalidAuthenticationCode"
    assert iam.list_mfa_devices(UserName=clients.name)["MFADevices"] == []
    enable(moved(totp, -2), moved(totp, -1))
    assert code(lambda: enable(moved(totp, 0), moved(totp, 1))) == "EntityAlreadyExists"
    assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName=clients.name)["MFADevices"]] == [serial]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    shown = next(d for d in assigned if d["SerialNumber"] == serial)
    assert shown["User"]["UserName"] == clients.name and "Base32StringSeed" not in shown
    assert iam.get_mfa_device(SerialNumber=serial)["UserName"] == clients.name
    assert code(lambda: iam.delete_virtual_mfa_device(SerialNumber=serial)) == "DeleteConflict"
    iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.update_user(UserName=clients.name, NewUserName=clients.name + "-new")
    assert iam.list_mfa_devices(UserName=clients.name + "-new")["MFADevices"], "the renamed user keeps it"
    iam.deactivate_mfa_device(UserName=clients.name + "-new", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert code(lambda: iam.get_mfa_device(SerialNumber=serial)) == "NoSuchEntity"


def test_a_session_with_mfa_opens_what_long_lived_keys_do_not(runtime, admin, limited):
    iam = admin("iam")
    clients = limited(allow("s3:ListAllMyBuckets", "iam:ListUsers", Condition={
        "Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}))
    serial, totp = device(iam, "session", clients.name)
    assert code(lambda: clients("s3").list_buckets()) == "AccessDenied", "long-lived keys carry no MFA"
    sts = clients("sts")
    token = lambda **more: sts.get_session_token(**more)["Credentials"]
    session = lambda made: runtime.session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    plain = session(token())
    assert code(lambda: plain("s3").list_buckets()) == "AccessDenied"
    assert code(lambda: plain("iam").list_users()) == "InvalidClientTokenId", "no IAM without MFA"
    used = moved(totp, -1)
    assert code(lambda: token(SerialNumber=serial, TokenCode=used)) == "AccessDenied", "used at enabling"
    assert code(lambda: token(SerialNumber=serial)) == "AccessDenied"
    now = totp.now()
    with_mfa = session(token(SerialNumber=serial, TokenCode=now))
    assert "Buckets" in with_mfa("s3").list_buckets()
    assert with_mfa("iam").list_users()
    with pytest.raises(ClientError) as refused:
        token(SerialNumber=serial, TokenCode=now)
    error = refused.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert error["Message"] == "MultiFactorAuthentication failed with invalid MFA one time pass code."
    # Another's device is of no use, nor one that was deactivated.
    other = limited()
    next_code = moved(totp, 1)
    assert code(lambda: other("sts").get_session_token(SerialNumber=serial, TokenCode=next_code)) == "AccessDenied"
    iam.deactivate_mfa_device(UserName=clients.name, SerialNumber=serial)
    assert code(lambda: token(SerialNumber=serial, TokenCode=next_code)) == "AccessDenied"


def test_a_trust_policy_demands_mfa(runtime, admin, limited, account):
    iam, clients = admin("iam"), limited(allow("sts:AssumeRole"))
    serial, totp = device(iam, "trust", clients.name)
    user = f"arn:aws:iam::{account}:user/{clients.name}"
    role = iam.create_role(RoleName="mfa-only", AssumeRolePolicyDocument=trust(user, Bool={"aws:MultiFactorAuthPresent": "true"}))
    iam.put_role_policy(RoleName="mfa-only", PolicyName="p", PolicyDocument=json.dumps(allow("iam:ListUsers")))
    iam.put_role_policy(RoleName="mfa-only", PolicyName="q", PolicyDocument=json.dumps(
        allow("iam:ListRoles", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))
    arn = role["Role"]["Arn"]
    assert code(lambda: assumed(runtime, clients, RoleArn=arn)) == "AccessDenied"
    wrong = lambda: assumed(runtime, clients, RoleArn=arn, SerialNumber=serial, TokenCode="000000")
    assert code(wrong) == "AccessDenied", "to claim MFA is not to show it"
    now = totp.now()
    inside = assumed(runtime, clients, RoleArn=arn, SerialNumber=serial, TokenCode=now)
    assert inside("iam").list_users()
    assert code(lambda: inside("iam").list_roles()) == "AccessDenied", "role sessions do not carry MFA on"
    again = lambda: assumed(runtime, clients, RoleArn=arn, SerialNumber=serial, TokenCode=now)
    assert code(again) == "AccessDenied", "a code is good once"


def test_guessing_closes_the_door_for_a_while(admin, limited):
    clients = limited()
    serial, totp = device(admin("iam"), "guess", clients.name)
    token = lambda code: clients("sts").get_session_token(SerialNumber=serial, TokenCode=code)
    for _ in range(5):
        assert code(lambda: token("000000")) == "AccessDenied"
    assert code(lambda: token(totp.now())) == "AccessDenied"


def test_no_token_and_no_code_is_recorded(runtime, admin, limited):
    clients = limited()
    serial, totp = device(admin("iam"), "record", clients.name)
    now = totp.now()
    made = clients("sts").get_session_token(SerialNumber=serial, TokenCode=now)["Credentials"]
    trail = admin("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GetSessionToken"}])
    events = [e["CloudTrailEvent"] for e in trail["Events"] if made["AccessKeyId"] in e["CloudTrailEvent"]]
    assert events
    assert not any(secret in event for event in events for secret in (made["SessionToken"], made["SecretAccessKey"], f'"{now}"'))
