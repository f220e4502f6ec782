"""User pools as applications use them: SRP sign-in, second factors, tokens, the outbox."""

import base64
import time
import uuid

import jwt
import pyotp
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from directory import PASSWORD, client_of, code, message, outbox, srp, srp_steps, user_of


@pytest.mark.parametrize("secret", [False, True])
def test_the_password_is_proved_without_being_sent(idp, anyone, pool, secret):
    client, email = client_of(idp, pool, GenerateSecret=secret), user_of(idp, pool)
    answer, responses = srp_steps(anyone, pool, client, email)
    tokens = answer(responses)["AuthenticationResult"]
    assert {"AccessToken", "IdToken", "RefreshToken"} <= set(tokens) and tokens["ExpiresIn"] == 3600
    assert message(lambda: answer(responses)) == "Invalid session for the user, session can only be used once."
    answer, responses = srp_steps(anyone, pool, client, email, "Wrong-horse-1")
    assert message(lambda: answer(responses)) == "Incorrect username or password."
    # What was proved for one moment is not proved for another.
    answer, responses = srp_steps(anyone, pool, client, email)
    assert code(lambda: answer({**responses, "TIMESTAMP": "Wed Nov 25 00:00:00 UTC 2026"})) == "NotAuthorizedException"
    answer, responses = srp_steps(anyone, pool, client, email)
    block = bytearray(base64.b64decode(responses["PASSWORD_CLAIM_SECRET_BLOCK"]))
    block[-1] ^= 1
    forged = {**responses, "PASSWORD_CLAIM_SECRET_BLOCK": base64.b64encode(block).decode()}
    assert message(lambda: answer(forged)) == "Invalid session for the user."


def test_absent_users_look_like_others(idp, anyone, pool):
    quiet = client_of(idp, pool, PreventUserExistenceErrors="ENABLED")
    shown = []
    for _ in range(2):
        c, one = anyone("cognito-idp"), srp(anyone, pool, quiet, "nobody@example.com")
        asked = c.initiate_auth(AuthFlow="USER_SRP_AUTH", AuthParameters=one.get_auth_params(), ClientId=quiet["ClientId"])
        shown.append(asked["ChallengeParameters"]["SALT"])
    assert shown[0] == shown[1]
    answer, responses = srp_steps(anyone, pool, quiet, "nobody@example.com")
    assert message(lambda: answer(responses)) == "Incorrect username or password."
    told = client_of(idp, pool)
    assert code(lambda: srp_steps(anyone, pool, told, "nobody@example.com")) == "UserNotFoundException"


def test_a_client_for_srp_takes_no_password(idp, anyone, pool):
    only, email = client_of(idp, pool, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]), user_of(idp, pool)
    sign_in = lambda: anyone("cognito-idp").initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH", ClientId=only["ClientId"], AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD}
    )
    assert message(sign_in) == "USER_PASSWORD_AUTH flow not enabled for this client"


def test_a_second_factor_is_always_asked_for(idp, anyone, pool):
    client, email, c = client_of(idp, pool), user_of(idp, pool), anyone("cognito-idp")
    idp.set_user_pool_mfa_config(UserPoolId=pool, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON")
    answer, responses = srp_steps(anyone, pool, client, email)
    setup = answer(responses)
    assert setup["ChallengeName"] == "MFA_SETUP" and "AuthenticationResult" not in setup
    given = c.associate_software_token(Session=setup["Session"])
    totp = pyotp.TOTP(given["SecretCode"])
    wrong = lambda: c.verify_software_token(Session=given["Session"], UserCode=totp.at(time.time() + 300))
    assert code(wrong) == "EnableSoftwareTokenMFAException"
    first = totp.at(time.time() - 30)
    done = c.verify_software_token(Session=given["Session"], UserCode=first)
    respond = lambda name, session, **more: c.respond_to_auth_challenge(
        ClientId=client["ClientId"], ChallengeName=name, Session=session, ChallengeResponses={"USERNAME": email, **more}
    )
    assert "AccessToken" in respond("MFA_SETUP", done["Session"])["AuthenticationResult"]
    answer, responses = srp_steps(anyone, pool, client, email)
    asked = answer(responses)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    enter = lambda code: respond("SOFTWARE_TOKEN_MFA", asked["Session"], SOFTWARE_TOKEN_MFA_CODE=code)
    assert message(lambda: enter(first)) == "Your software token has already been used once."
    assert code(lambda: enter(totp.at(time.time() + 300))) == "CodeMismatchException"
    tokens = enter(totp.now())["AuthenticationResult"]
    me = c.get_user(AccessToken=tokens["AccessToken"])
    assert me["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    # No other door leads around it.
    password = c.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=client["ClientId"], AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD})
    assert password["ChallengeName"] == "SOFTWARE_TOKEN_MFA" and "AuthenticationResult" not in password


def test_tokens_verify_against_the_published_keys(runtime, idp, anyone, pool):
    client, email, c = client_of(idp, pool), user_of(idp, pool), anyone("cognito-idp")
    answer, responses = srp_steps(anyone, pool, client, email)
    tokens = answer(responses)["AuthenticationResult"]
    get = lambda path: requests.get(f"{runtime.facts['endpoint']}/{pool}{path}", verify=runtime.data / "ca.pem")
    discovery = get("/.well-known/openid-configuration").json()
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
    assert discovery["issuer"] == issuer
    assert requests.get(discovery["jwks_uri"], verify=runtime.data / "ca.pem").json() == get("/.well-known/jwks.json").json()
    keys = {k["kid"]: jwt.PyJWK(k) for k in get("/.well-known/jwks.json").json()["keys"]}
    key = keys[jwt.get_unverified_header(tokens["IdToken"])["kid"]]
    identity = jwt.decode(tokens["IdToken"], key, ["RS256"], audience=client["ClientId"], issuer=issuer)
    access = jwt.decode(tokens["AccessToken"], key, ["RS256"], issuer=issuer)
    assert identity["token_use"] == "id" and identity["email"] == email and identity["email_verified"] is True
    assert access["token_use"] == "access" and access["client_id"] == client["ClientId"] and access["sub"] == identity["sub"]
    assert access["origin_jti"] == identity["origin_jti"] and access["event_id"] == identity["event_id"]
    assert get("x/.well-known/jwks.json").status_code == 404
    # Forgeries: another key, the public key as a secret, none at all, an ID token, another issuer.
    mine = rsa.generate_private_key(65537, 2048)
    header = {"kid": jwt.get_unverified_header(tokens["AccessToken"])["kid"]}
    forged = [
        jwt.encode(access, mine, "RS256", headers=header),
        jwt.encode(access, "x" * 32, "HS256", headers=header),
        jwt.encode(access, None, "none", headers=header),
        jwt.encode({**access, "iss": "https://example.com"}, mine, "RS256", headers=header),
        tokens["IdToken"],
    ]
    for token in forged:
        assert message(lambda: c.get_user(AccessToken=token)) == "Invalid Access Token"
    assert c.get_user(AccessToken=tokens["AccessToken"])["Username"] == access["username"]
    renewed = c.initiate_auth(AuthFlow="REFRESH_TOKEN_AUTH", ClientId=client["ClientId"], AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]})
    again = renewed["AuthenticationResult"]["AccessToken"]
    assert jwt.decode(again, key, ["RS256"], issuer=issuer)["auth_time"] == access["auth_time"]
    c.revoke_token(Token=tokens["RefreshToken"], ClientId=client["ClientId"])
    for token in (tokens["AccessToken"], again):
        assert message(lambda: c.get_user(AccessToken=token)) == "Access Token has been revoked"
    refresh = lambda: c.initiate_auth(AuthFlow="REFRESH_TOKEN_AUTH", ClientId=client["ClientId"], AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]})
    assert message(refresh) == "Refresh Token has been revoked"


def test_codes_reach_people_and_nobody_else(runtime, idp, anyone, pool):
    client, c, email = client_of(idp, pool), anyone("cognito-idp"), f"u{uuid.uuid4().hex[:10]}@example.com"
    password = f"Aa1-{uuid.uuid4().hex}"
    c.sign_up(ClientId=client["ClientId"], Username=email, Password=password)
    sent = outbox(runtime, email)
    assert len(sent) == 1
    mailed = sent[0]["body"].split()[-1]
    confirm = lambda given: c.confirm_sign_up(ClientId=client["ClientId"], Username=email, ConfirmationCode=given)
    assert code(lambda: confirm("000000" if mailed != "000000" else "000001")) == "CodeMismatchException"
    confirm(mailed)
    tokens = c.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=client["ClientId"], AuthParameters={"USERNAME": email, "PASSWORD": password})
    tokens = tokens["AuthenticationResult"]
    c.get_user(AccessToken=tokens["AccessToken"])
    # Neither the log nor the store shows a password, a token, a code's message, or whom a pool knows.
    time.sleep(0.3)
    secrets = [password, tokens["AccessToken"], tokens["RefreshToken"], sent[0]["body"], email, f'"confirmationCode":"{mailed}"']
    for file in runtime.data.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, (file, secret)
    page = f"{runtime.facts['endpoint']}/_countersign/outbox"
    token = (runtime.data / "console-token").read_text()
    assert (runtime.data / "console-token").stat().st_mode & 0o777 == 0o600
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {token}"}):
        answer = requests.get(page, headers=headers, verify=runtime.data / "ca.pem")
        assert answer.status_code == 401 and email not in answer.text
    shown = requests.get(page, headers={"Authorization": f"Bearer {token}"}, verify=runtime.data / "ca.pem")
    assert shown.status_code == 200 and any(m["to"] == email for m in shown.json())


def test_applications_get_tokens_of_their_own(runtime, idp, pool):
    idp.create_resource_server(UserPoolId=pool, Identifier="shop", Name="shop", Scopes=[{"ScopeName": "read", "ScopeDescription": "-"}, {"ScopeName": "write", "ScopeDescription": "-"}])
    domain = f"shop-{uuid.uuid4().hex[:10]}"
    idp.create_user_pool_domain(UserPoolId=pool, Domain=domain)
    oauth = {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthFlowsUserPoolClient": True}
    client = client_of(idp, pool, GenerateSecret=True, AllowedOAuthScopes=["shop/read"], **oauth)
    assert code(lambda: client_of(idp, pool, AllowedOAuthScopes=["shop/read"], **oauth)) == "InvalidParameterException"
    url = f"{runtime.facts['endpoint']}/_aws/cognito/{domain}/oauth2/token"
    post = lambda auth, url=url, **form: requests.post(url, data={"grant_type": "client_credentials", **form}, auth=auth, verify=runtime.data / "ca.pem")
    good = (client["ClientId"], client["ClientSecret"])
    answer = post(good, scope="shop/read")
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["scope"] == "shop/read" and claims["client_id"] == client["ClientId"] and claims["token_use"] == "access"
    for auth, form, error in [
        ((client["ClientId"], "wrong"), {}, "invalid_client"),
        (("nobody", "wrong"), {}, "invalid_client"),
        (good, {"scope": "shop/write"}, "invalid_scope"),
        (good, {"grant_type": "authorization_code"}, "unsupported_grant_type"),
    ]:
        refused = post(auth, **form)
        assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert post(good, url=url.replace(domain, "other")).json()["error"] == "invalid_client"
    plain = client_of(idp, pool, GenerateSecret=True)
    assert post((plain["ClientId"], plain["ClientSecret"])).json()["error"] == "unauthorized_client"
    idp.delete_user_pool_domain(UserPoolId=pool, Domain=domain)
    assert post(good).json()["error"] == "invalid_client"


def test_pages_may_call_cognito_and_nothing_else(runtime):
    headers = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-amz-target"}
    answer = requests.options(runtime.facts["endpoint"] + "/", headers=headers, verify=runtime.data / "ca.pem")
    assert answer.headers["Access-Control-Allow-Origin"] == "*" and "authorization" not in answer.headers["Access-Control-Allow-Headers"]
    post = lambda target: requests.post(
        runtime.facts["endpoint"] + "/", data="{}", verify=runtime.data / "ca.pem",
        headers={"Origin": "https://shop.example.com", "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"},
    )
    assert post("AWSCognitoIdentityProviderService.GetUser").headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in post("TrentService.ListKeys").headers


TEMPLATE = """
Resources:
  Customers:
    Type: AWS::Cognito::UserPool
    Properties:
      UsernameAttributes: [email]
      AutoVerifiedAttributes: [email]
      MfaConfiguration: "ON"
      EnabledMfas: [SOFTWARE_TOKEN_MFA]
      Policies: {PasswordPolicy: {MinimumLength: 12}}
      Schema: [{Name: tier, AttributeDataType: String, Mutable: true}]
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      UserPoolId: !Ref Customers
      ExplicitAuthFlows: [ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH]
      AccessTokenValidity: "10"
      TokenValidityUnits: {AccessToken: minutes}
  Scopes:
    Type: AWS::Cognito::UserPoolResourceServer
    Properties: {UserPoolId: !Ref Customers, Identifier: shop, Name: shop, Scopes: [{ScopeName: write, ScopeDescription: "-"}]}
  Staff:
    Type: AWS::Cognito::UserPoolGroup
    Properties: {UserPoolId: !Ref Customers, GroupName: staff}
  Alice:
    Type: AWS::Cognito::UserPoolUser
    Properties: {UserPoolId: !Ref Customers, Username: alice@example.com, MessageAction: SUPPRESS}
  AliceIsStaff:
    Type: AWS::Cognito::UserPoolUserToGroupAttachment
    Properties: {UserPoolId: !Ref Customers, GroupName: !Ref Staff, Username: !Ref Alice}
  Domain:
    Type: AWS::Cognito::UserPoolDomain
    Properties: {UserPoolId: !Ref Customers, Domain: DOMAIN}
  Identities:
    Type: AWS::Cognito::IdentityPool
    Properties:
      AllowUnauthenticatedIdentities: false
      CognitoIdentityProviders: [{ClientId: !Ref Client, ProviderName: !GetAtt Customers.ProviderName}]
  Member:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Federated: cognito-identity.amazonaws.com}
            Action: sts:AssumeRoleWithWebIdentity
            Condition: {StringEquals: {"cognito-identity.amazonaws.com:aud": !Ref Identities}}
  Roles:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties: {IdentityPoolId: !Ref Identities, Roles: {authenticated: !GetAtt Member.Arn}}
Outputs:
  Pool: {Value: !Ref Customers}
  Client: {Value: !Ref Client}
  Identities: {Value: !Ref Identities}
"""


def test_a_template_makes_all_of_it(admin, idp):
    cfn, name, domain = admin("cloudformation"), f"s-{uuid.uuid4().hex[:8]}", f"d{uuid.uuid4().hex[:10]}"
    text = TEMPLATE.replace("DOMAIN", domain)
    cfn.create_stack(StackName=name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"])
    cfn.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    outputs = {o["OutputKey"]: o["OutputValue"] for o in cfn.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}
    pool = outputs["Pool"]
    assert idp.get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"] == "ON"
    described = idp.describe_user_pool_client(UserPoolId=pool, ClientId=outputs["Client"])["UserPoolClient"]
    assert described["AccessTokenValidity"] == 10
    users = idp.list_users_in_group(UserPoolId=pool, GroupName="staff")["Users"]
    assert [a["Value"] for u in users for a in u["Attributes"] if a["Name"] == "email"] == ["alice@example.com"]
    assert "authenticated" in admin("cognito-identity").get_identity_pool_roles(IdentityPoolId=outputs["Identities"])["Roles"]
    changed = text.replace("MinimumLength: 12", "MinimumLength: 14").replace('"10"', '"20"')
    cfn.update_stack(StackName=name, TemplateBody=changed, Capabilities=["CAPABILITY_IAM"])
    cfn.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    policy = idp.describe_user_pool(UserPoolId=pool)["UserPool"]["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] == 14 and idp.get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"] == "ON"
    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert code(lambda: idp.describe_user_pool(UserPoolId=pool)) == "ResourceNotFoundException"
