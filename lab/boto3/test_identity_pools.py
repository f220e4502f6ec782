"""Identity pools as applications use them: AWS credentials for who is signed in, and for guests.

The role's trust policy has the last word, in the enhanced flow and in the basic one.
"""

import json
import time
import uuid

import jwt
import pytest
from conftest import allow
from directory import client_of, code, message, refusal, sign_in, user_of

CONFIGURATION = "InvalidIdentityPoolConfigurationException"


def trust(pool, amr):
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}, "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": amr}},
    }]})


@pytest.fixture
def role(admin):
    def make(trust_policy, policy=None):
        iam, name = admin("iam"), f"r-{uuid.uuid4().hex[:12]}"
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy)["Role"]["Arn"]
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return arn
    return make


@pytest.fixture
def identities(admin):
    return admin("cognito-identity")


@pytest.fixture
def open_(anyone):
    return anyone("cognito-identity")


@pytest.fixture
def signed_up(idp, anyone, pool):
    """Somebody who can sign in with a client that identity pools may take."""
    client, email = client_of(idp, pool), user_of(idp, pool)

    class SignedUp:
        provider = f"cognito-idp.us-east-1.amazonaws.com/{pool}"
        mapped = f"{provider}:{client['ClientId']}"

        def tokens(self, of=client):
            return sign_in(anyone, pool, of, email)

        def logins(self):
            return {self.provider: self.tokens()["IdToken"]}

        def takes(self, **more):
            """For a pool that takes the client."""
            return [{"ProviderName": self.provider, "ClientId": client["ClientId"], **more}]

    found = SignedUp()
    found.email = email
    return found


@pytest.fixture
def identity_pool(identities):
    made = []

    def make(guests=False, **more):
        made.append(identities.create_identity_pool(IdentityPoolName="shop", AllowUnauthenticatedIdentities=guests, **more)["IdentityPoolId"])
        return made[-1]

    yield make
    for one in made:
        try:
            identities.delete_identity_pool(IdentityPoolId=one)
        except identities.exceptions.ResourceNotFoundException:
            pass  # The test has deleted it.


def session(runtime, given):
    return runtime.session(given["AccessKeyId"], given.get("SecretKey") or given["SecretAccessKey"], given["SessionToken"])


def role_name(runtime, given):
    return session(runtime, given)("sts").get_caller_identity()["Arn"].split("/")[1]


def test_pools_are_kept_as_they_were_made(identities, signed_up, identity_pool, limited, role):
    ident = identity_pool(AllowClassicFlow=True, CognitoIdentityProviders=signed_up.takes(ServerSideTokenCheck=True), IdentityPoolTags={"team": "shop"})
    shown = identities.describe_identity_pool(IdentityPoolId=ident)
    assert shown["AllowClassicFlow"] is True and shown["IdentityPoolTags"] == {"team": "shop"} and shown["IdentityPoolName"] == "shop"
    assert shown["CognitoIdentityProviders"] == signed_up.takes(ServerSideTokenCheck=True)
    changed = identities.update_identity_pool(IdentityPoolId=ident, IdentityPoolName="other", AllowUnauthenticatedIdentities=True)
    assert changed["AllowUnauthenticatedIdentities"] is True and "CognitoIdentityProviders" not in changed and "AllowClassicFlow" not in changed
    more = {identity_pool() for _ in range(3)} | {ident}
    pages = identities.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 2})
    assert more <= {p["IdentityPoolId"] for page in pages for p in page["IdentityPools"]}
    some = role(trust(ident, "authenticated"))
    # Who gives roles to identities must be allowed to pass them.
    eve = limited(allow("cognito-identity:*"))("cognito-identity")
    assert code(lambda: eve.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": some})) == "AccessDeniedException"
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": some})
    assert identities.get_identity_pool_roles(IdentityPoolId=ident)["Roles"] == {"authenticated": some}
    for wrong in [
        lambda: identities.create_identity_pool(IdentityPoolName="x", AllowUnauthenticatedIdentities=False, SupportedLoginProviders={"graph.facebook.com": "1"}),
        lambda: identities.create_identity_pool(IdentityPoolName="x", AllowUnauthenticatedIdentities=False, CognitoIdentityProviders=[{"ProviderName": "example.com/x", "ClientId": "x"}]),
        lambda: identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={}, RoleMappings={signed_up.mapped: {"Type": "Token", "AmbiguousRoleResolution": "Deny"}}),
        lambda: identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"admin": some}),
    ]:
        assert code(wrong) == "InvalidParameterException"
    identities.delete_identity_pool(IdentityPoolId=ident)
    assert message(lambda: identities.describe_identity_pool(IdentityPoolId=ident)) == f"IdentityPool '{ident}' not found."


def test_who_is_signed_in_gets_the_role_that_trusts_them(runtime, identities, idp, anyone, pool, open_, signed_up, identity_pool, role):
    ident = identity_pool(CognitoIdentityProviders=signed_up.takes(ServerSideTokenCheck=True))
    own = role(trust(ident, "authenticated"), allow("kms:ListKeys", Condition={"StringEquals": {"cognito-identity.amazonaws.com:aud": ident}}))
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": own})
    assert message(lambda: open_.get_id(IdentityPoolId=ident)) == "Unauthenticated access is not supported for this identity pool."
    signed_in = signed_up.tokens()
    logins = {signed_up.provider: signed_in["IdToken"]}
    me = open_.get_id(IdentityPoolId=ident, Logins=logins)["IdentityId"]
    assert open_.get_id(IdentityPoolId=ident, Logins=signed_up.logins())["IdentityId"] == me
    assert [i["Logins"] for i in identities.list_identities(IdentityPoolId=ident, MaxResults=5)["Identities"] if i["IdentityId"] == me] == [[signed_up.provider]]
    get = lambda **more: open_.get_credentials_for_identity(IdentityId=me, **more)
    clients = session(runtime, get(Logins=logins)["Credentials"])
    assert clients("sts").get_caller_identity()["Arn"].endswith("/CognitoIdentityCredentials")
    assert clients("kms").list_keys() and code(lambda: clients("kms").list_aliases()) == "AccessDeniedException"
    assert message(get) == f"Access to Identity '{me}' is forbidden."
    forged = signed_in["IdToken"][:-8] + "AAAAAAAA"
    claims = jwt.decode(signed_in["IdToken"], options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, "none", headers={"kid": jwt.get_unverified_header(signed_in["IdToken"])["kid"]})
    for wrong in (signed_up.tokens(client_of(idp, pool))["IdToken"], signed_in["AccessToken"], forged, unsigned, "x.y.z"):
        for call in (lambda: open_.get_id(IdentityPoolId=ident, Logins={signed_up.provider: wrong}), lambda: get(Logins={signed_up.provider: wrong})):
            assert code(call) == "NotAuthorizedException"
    # A token of another pool, under its own name and under this one's.
    elsewhere = idp.create_user_pool(PoolName="other", UsernameAttributes=["email"])["UserPool"]["Id"]
    stranger = client_of(idp, elsewhere)
    foreign = sign_in(anyone, elsewhere, stranger, user_of(idp, elsewhere))["IdToken"]
    for name in (signed_up.provider, f"cognito-idp.us-east-1.amazonaws.com/{elsewhere}"):
        assert code(lambda: open_.get_id(IdentityPoolId=ident, Logins={name: foreign})) == "NotAuthorizedException"
    idp.delete_user_pool(UserPoolId=elsewhere)
    # The trust policy has the last word.
    for policy in (trust(ident, "unauthenticated"), trust("us-east-1:" + str(uuid.uuid4()), "authenticated")):
        identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": role(policy)})
        assert code(lambda: get(Logins=logins)) == CONFIGURATION
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={})
    assert code(lambda: get(Logins=logins)) == CONFIGURATION
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": own})
    assert get(Logins=logins)
    # Another one's login is not this identity's.
    other = {signed_up.provider: sign_in(anyone, pool, {"ClientId": claims["aud"]}, user_of(idp, pool))["IdToken"]}
    assert code(lambda: get(Logins=other)) == "NotAuthorizedException"
    # A sign-in that has ended is none, for a pool that has it checked.
    anyone("cognito-idp").global_sign_out(AccessToken=signed_in["AccessToken"])
    assert message(lambda: get(Logins=logins)) == "Invalid login token. Token has been revoked."
    identities.update_identity_pool(IdentityPoolId=ident, IdentityPoolName="shop", AllowUnauthenticatedIdentities=False, CognitoIdentityProviders=signed_up.takes())
    assert get(Logins=logins)
    # Nothing is left of what is gone.
    identities.delete_identity_pool(IdentityPoolId=ident)
    assert code(lambda: get(Logins=logins)) == "ResourceNotFoundException"


def test_a_user_pool_that_is_gone_lets_nobody_in(identities, idp, pool, open_, signed_up, identity_pool, role):
    ident = identity_pool(CognitoIdentityProviders=signed_up.takes())
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": role(trust(ident, "authenticated"))})
    logins = signed_up.logins()
    me = open_.get_id(IdentityPoolId=ident, Logins=logins)["IdentityId"]
    assert open_.get_credentials_for_identity(IdentityId=me, Logins=logins)
    idp.delete_user_pool(UserPoolId=pool)
    for call in (lambda: open_.get_id(IdentityPoolId=ident, Logins=logins), lambda: open_.get_credentials_for_identity(IdentityId=me, Logins=logins)):
        assert message(call) == "Invalid login token. Couldn't verify signed token."


def test_guests_get_less_than_their_role_allows(runtime, identities, open_, signed_up, identity_pool, role):
    ident = identity_pool(guests=True, CognitoIdentityProviders=signed_up.takes())
    guest = role(trust(ident, "unauthenticated"), allow("s3:ListAllMyBuckets", "iam:ListUsers"))
    member = role(trust(ident, "authenticated"), allow("iam:ListUsers"))
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": member, "unauthenticated": guest})
    who = open_.get_id(IdentityPoolId=ident)["IdentityId"]
    assert open_.get_id(IdentityPoolId=ident)["IdentityId"] != who
    get = lambda **more: open_.get_credentials_for_identity(IdentityId=who, **more)
    clients = session(runtime, get()["Credentials"])
    assert clients("s3").list_buckets()
    assert code(lambda: clients("iam").list_users()) == "AccessDenied"
    # A guest who signs in stays who they are, and is a guest no more.
    logins = signed_up.logins()
    given = get(Logins=logins)
    assert given["IdentityId"] == who and session(runtime, given["Credentials"])("iam").list_users()
    assert open_.get_id(IdentityPoolId=ident, Logins=logins)["IdentityId"] == who
    assert message(get) == f"Access to Identity '{who}' is forbidden."
    # Unless the login is known already.
    another = open_.get_id(IdentityPoolId=ident)["IdentityId"]
    assert open_.get_credentials_for_identity(IdentityId=another, Logins=logins)["IdentityId"] == who
    assert message(lambda: open_.get_credentials_for_identity(IdentityId=another)) == f"Identity '{another}' not found."
    # No guests any more.
    third = open_.get_id(IdentityPoolId=ident)["IdentityId"]
    identities.update_identity_pool(IdentityPoolId=ident, IdentityPoolName="shop", AllowUnauthenticatedIdentities=False, CognitoIdentityProviders=signed_up.takes())
    assert code(lambda: open_.get_credentials_for_identity(IdentityId=third)) == "NotAuthorizedException"
    left = identities.delete_identities(IdentityIdsToDelete=[who, "us-east-1:" + str(uuid.uuid4())])["UnprocessedIdentityIds"]
    assert [one["ErrorCode"] for one in left] == ["AccessDenied"]
    assert message(lambda: get(Logins=logins)) == f"Identity '{who}' not found."


def test_the_basic_flow_goes_through_sts(runtime, identities, idp, anyone, pool, open_, signed_up, identity_pool, role):
    ident, other = identity_pool(AllowClassicFlow=True, CognitoIdentityProviders=signed_up.takes()), identity_pool(guests=True, AllowClassicFlow=False)
    logins = signed_up.logins()
    me = open_.get_id(IdentityPoolId=ident, Logins=logins)["IdentityId"]
    token = open_.get_open_id_token(IdentityId=me, Logins=logins)["Token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["iss"] == "https://cognito-identity.amazonaws.com" and claims["aud"] == ident and claims["sub"] == me
    assert claims["amr"][:2] == ["authenticated", signed_up.provider] and claims["exp"] - claims["iat"] == 600
    sts = anyone("sts")
    assume = lambda arn, token=token, **more: sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="me", WebIdentityToken=token, **more)
    own = role(trust(ident, "authenticated"), allow("kms:ListKeys", "iam:ListUsers"))
    given = assume(own, Policy=json.dumps(allow("kms:ListKeys")))
    assert given["SubjectFromWebIdentityToken"] == me and given["Audience"] == ident
    clients = session(runtime, given["Credentials"])
    assert clients("kms").list_keys() and code(lambda: clients("iam").list_users()) == "AccessDenied"
    # A role for each person: the key `sub` reaches the trust policy as well as the session's policies.
    mine = allow("kms:ListKeys", Condition={"StringEquals": {"cognito-identity.amazonaws.com:sub": me}})
    theirs = allow("kms:ListKeys", Condition={"StringEquals": {"cognito-identity.amazonaws.com:sub": "us-east-1:" + str(uuid.uuid4())}})
    assert session(runtime, assume(role(trust(ident, "authenticated"), mine))["Credentials"])("kms").list_keys()
    assert code(lambda: session(runtime, assume(role(trust(ident, "authenticated"), theirs))["Credentials"])("kms").list_keys()) == "AccessDeniedException"
    user = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
    absent = own.rsplit("/", 1)[0] + "/absent"
    for arn in (role(trust(ident, "unauthenticated")), role(trust(other, "authenticated")), role(user), absent):
        refused = refusal(lambda: assume(arn))
        assert (refused["Code"], refused["Message"]) == ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    issuer = f"https://{signed_up.provider}"
    for wrong, why in [
        (token[:-8] + "AAAAAAAA", "Couldn't verify"),
        (jwt.encode(claims, "x" * 64, "HS512", headers={"kid": jwt.get_unverified_header(token)["kid"]}), "Couldn't verify"),
        ("nonsense", "not a valid JWT"),
        (logins[signed_up.provider], f"No OpenIDConnect provider found in your account for {issuer}"),
    ]:
        refused = refusal(lambda: assume(own, wrong))
        assert refused["Code"] == "InvalidIdentityToken" and why in refused["Message"], refused
    assert code(lambda: assume(own, DurationSeconds=7200)) == "ValidationError"
    # A pool may keep its identities from asking STS themselves.
    guest = open_.get_id(IdentityPoolId=other)["IdentityId"]
    refused = refusal(lambda: open_.get_open_id_token(IdentityId=guest))
    assert (refused["Code"], refused["Message"]) == ("InvalidParameterException", "Basic (classic) flow is not enabled, please use enhanced flow.")
    # The token is no good without its pool.
    identities.delete_identity_pool(IdentityPoolId=ident)
    assert code(lambda: assume(own)) == "InvalidIdentityToken"


def test_each_person_has_a_folder_of_their_own(runtime, admin, anyone, idp, pool, identities, open_, signed_up, identity_pool, role):
    bucket, ident = f"b-{uuid.uuid4().hex[:12]}", identity_pool(CognitoIdentityProviders=signed_up.takes())
    admin("s3").create_bucket(Bucket=bucket)
    own = allow("s3:PutObject", resource="arn:aws:s3:::" + bucket + "/${cognito-identity.amazonaws.com:sub}/*")
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": role(trust(ident, "authenticated"), own)})

    def enter(token):
        logins = {signed_up.provider: token}
        me = open_.get_id(IdentityPoolId=ident, Logins=logins)["IdentityId"]
        return me, open_.get_credentials_for_identity(IdentityId=me, Logins=logins)["Credentials"]

    client = {"ClientId": signed_up.mapped.rsplit(":", 1)[1]}
    (me, mine), (other, _) = enter(signed_up.tokens()["IdToken"]), enter(sign_in(anyone, pool, client, user_of(idp, pool))["IdToken"])
    s3 = session(runtime, mine)("s3")
    s3.put_object(Bucket=bucket, Key=f"{me}/receipt", Body=b"x")
    for key in (f"{other}/receipt", "receipt"):
        assert code(lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"x")) == "AccessDenied"
    # What was handed out is nowhere in the data folder.
    time.sleep(0.3)
    token = open_.get_open_id_token(IdentityId=open_.get_id(IdentityPoolId=ident, Logins=signed_up.logins())["IdentityId"], Logins=signed_up.logins())["Token"]
    for file in runtime.data.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for secret in (mine["SecretKey"], mine["SessionToken"], token):
                assert secret.encode() not in content, (file, secret)


def test_roles_come_from_the_token_by_mappings(runtime, identities, idp, pool, open_, signed_up, identity_pool, role):
    ident = identity_pool(CognitoIdentityProviders=signed_up.takes())
    member, staff, boss = (role(trust(ident, "authenticated")) for _ in range(3))
    name = lambda arn: arn.split("/")[-1]

    def maps(kind, otherwise, *rules):
        rules = {"RulesConfiguration": {"Rules": [dict(zip(("Claim", "MatchType", "Value", "RoleARN"), r)) for r in rules]}} if rules else {}
        mapping = {"Type": kind, "AmbiguousRoleResolution": otherwise, **rules}
        identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"authenticated": member}, RoleMappings={signed_up.mapped: mapping})
        assert identities.get_identity_pool_roles(IdentityPoolId=ident)["RoleMappings"] == {signed_up.mapped: mapping}

    def given(**more):
        logins = signed_up.logins()
        me = open_.get_id(IdentityPoolId=ident, Logins=logins)["IdentityId"]
        return role_name(runtime, open_.get_credentials_for_identity(IdentityId=me, Logins=logins, **more)["Credentials"])

    maps("Token", "Deny")
    assert code(given) == "NotAuthorizedException"
    maps("Token", "AuthenticatedRole")
    assert given() == name(member)
    idp.create_group(UserPoolId=pool, GroupName="staff", RoleArn=staff)
    idp.admin_add_user_to_group(UserPoolId=pool, GroupName="staff", Username=signed_up.email)
    maps("Token", "Deny")
    assert given() == name(staff) == given(CustomRoleArn=staff)
    assert code(lambda: given(CustomRoleArn=boss)) == "NotAuthorizedException"
    idp.create_group(UserPoolId=pool, GroupName="bosses", RoleArn=boss, Precedence=1)
    idp.admin_add_user_to_group(UserPoolId=pool, GroupName="bosses", Username=signed_up.email)
    assert given() == name(boss) and given(CustomRoleArn=staff) == name(staff)
    maps("Rules", "Deny", ("email", "Equals", "x@example.com", boss), ("cognito:groups", "Contains", "taf", staff))
    assert given() == name(staff)
    assert code(lambda: given(CustomRoleArn=boss)) == "NotAuthorizedException"
    maps("Rules", "AuthenticatedRole", ("email", "StartsWith", "nobody", boss), ("email", "NotEqual", signed_up.email, boss))
    assert given() == name(member)
    maps("Rules", "Deny", ("email", "Equals", "x@example.com", boss))
    assert code(given) == "NotAuthorizedException"
    # A role that a mapping chooses must trust the pool as any other.
    maps("Rules", "AuthenticatedRole", ("email", "Equals", signed_up.email, role(trust(ident, "unauthenticated"))))
    assert code(given) == CONFIGURATION


TEMPLATE = """
Resources:
  Customers: {Type: AWS::Cognito::UserPool, Properties: {UsernameAttributes: [email]}}
  Client: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Customers, ExplicitAuthFlows: [ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH]}}
  Identities:
    Type: AWS::Cognito::IdentityPool
    Properties:
      AllowUnauthenticatedIdentities: false
      AllowClassicFlow: false
      CognitoIdentityProviders: [{ClientId: !Ref Client, ProviderName: !GetAtt Customers.ProviderName, ServerSideTokenCheck: true}]
  Member:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Federated: cognito-identity.amazonaws.com}
            Action: sts:AssumeRoleWithWebIdentity
            Condition:
              StringEquals: {"cognito-identity.amazonaws.com:aud": !Ref Identities}
              ForAnyValue:StringLike: {"cognito-identity.amazonaws.com:amr": authenticated}
  Roles:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: !Ref Identities
      Roles: {authenticated: !GetAtt Member.Arn}
      RoleMappings:
        shop:
          IdentityProvider: !Sub "${Customers.ProviderName}:${Client}"
          Type: Token
          AmbiguousRoleResolution: AuthenticatedRole
Outputs:
  Pool: {Value: !Ref Customers}
  Client: {Value: !Ref Client}
  Identities: {Value: !Ref Identities}
  Name: {Value: !GetAtt Identities.Name}
  Member: {Value: !Ref Member}
"""


def test_a_template_makes_a_pool_that_works(runtime, admin, idp, anyone, open_, identities):
    cfn, stack = admin("cloudformation"), f"s-{uuid.uuid4().hex[:8]}"
    done = lambda waiter: cfn.get_waiter(waiter).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    cfn.create_stack(StackName=stack, TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"])
    done("stack_create_complete")
    out = {o["OutputKey"]: o["OutputValue"] for o in cfn.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]}
    shown = identities.describe_identity_pool(IdentityPoolId=out["Identities"])
    assert shown["IdentityPoolName"] == out["Name"] and shown["AllowClassicFlow"] is False
    logins = {f"cognito-idp.us-east-1.amazonaws.com/{out['Pool']}": sign_in(anyone, out["Pool"], {"ClientId": out["Client"]}, user_of(idp, out["Pool"]))["IdToken"]}
    me = open_.get_id(IdentityPoolId=out["Identities"], Logins=logins)["IdentityId"]
    get = lambda: open_.get_credentials_for_identity(IdentityId=me, Logins=logins)["Credentials"]
    assert role_name(runtime, get()) == out["Member"]
    cfn.update_stack(StackName=stack, TemplateBody=TEMPLATE.replace("AmbiguousRoleResolution: AuthenticatedRole", "AmbiguousRoleResolution: Deny"), Capabilities=["CAPABILITY_IAM"])
    done("stack_update_complete")
    assert identities.describe_identity_pool(IdentityPoolId=out["Identities"])["IdentityPoolName"] == out["Name"]
    assert code(get) == "NotAuthorizedException"
    cfn.delete_stack(StackName=stack)
    done("stack_delete_complete")
    assert code(lambda: identities.describe_identity_pool(IdentityPoolId=out["Identities"])) == "ResourceNotFoundException"
