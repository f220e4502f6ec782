"""Roles for SAML assertions, signed by a library of identity providers': what it signs is canonicalized by libxml2."""

import base64
import datetime
import json

import pytest
import signxml
from conftest import allow
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from test_iam import code

ENTITY, SIGN_IN = "https://idp.example.com/metadata", "https://signin.aws.amazon.com/saml"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
NOW = lambda seconds=0: (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Idp:
    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key()).serial_number(7)
        made = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(self.key, hashes.SHA256())
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def metadata(self):
        body = b"".join(self.certificate.splitlines()[1:-1]).decode()
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
      <ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""

    def response(self, attributes, over="Assertion", algorithm=signxml.SignatureMethod.RSA_SHA256, subject="jörg & co"):
        shown = "".join(
            f'<saml:Attribute Name="{name if ":" in name else ATTRIBUTES + name}"\n   NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
            + "".join(f'<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">{v}</saml:AttributeValue>' for v in values)
            + "</saml:Attribute>\r\n" for name, values in attributes.items())
        text = f"""<?xml version="1.0"?>
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:unused="urn:unused"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" Version="2.0" ID="_response" IssueInstant="{NOW()}" Destination="{SIGN_IN}">
  <saml:Issuer>{ENTITY}</saml:Issuer>
  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  <saml:Assertion Version="2.0" ID='_assertion' IssueInstant="{NOW()}"><saml:Issuer>{ENTITY}</saml:Issuer>
    <saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"><![CDATA[{subject}]]></saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
        NotOnOrAfter="{NOW(300)}" Recipient="{SIGN_IN}"/></saml:SubjectConfirmation></saml:Subject>
    <saml:Conditions NotBefore="{NOW(-5)}" NotOnOrAfter="{NOW(300)}"><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>
    <saml:AttributeStatement>{shown}</saml:AttributeStatement>
    <saml:AuthnStatement AuthnInstant="{NOW()}"/>
  </saml:Assertion>
</samlp:Response>"""
        tree = etree.fromstring(text.encode())
        element = tree if over == "Response" else tree.find("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
        signer = signxml.XMLSigner(signature_algorithm=algorithm, c14n_algorithm=signxml.CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
        signer.excise_empty_xmlns_declarations = True
        signed = signer.sign(element, key=self.key, cert=self.certificate.decode(), reference_uri="#_assertion" if over == "Assertion" else "#_response")
        if over == "Assertion":
            tree.replace(element, signed)
        else:
            tree = signed
        return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")


def encoded(response):
    return base64.b64encode(response).decode()


@pytest.fixture(scope="module")
def idp():
    return Idp()


def test_an_identity_providers_users_get_roles(runtime, admin, anyone, account, idp):
    iam = admin("iam")
    provider = iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=idp.metadata())["SAMLProviderArn"]
    def trusting(*actions, **condition):
        return json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Federated": provider}, "Action": list(actions), "Condition": condition}]})
    every = ["sts:AssumeRoleWithSAML", "sts:TagSession"]
    role = iam.create_role(RoleName="saml", AssumeRolePolicyDocument=trusting(*every, StringEquals={"saml:aud": SIGN_IN}))["Role"]["Arn"]
    permissions = allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue", "saml:sub": "jörg & co", "aws:FederatedProvider": provider}})
    iam.put_role_policy(RoleName="saml", PolicyName="p", PolicyDocument=json.dumps(permissions))
    says = {"Role": [f"{role},{provider}"], "RoleSessionName": ["joerg"], "PrincipalTag:team": ["blue"]}
    says = {(ATTRIBUTES + name if name.startswith("PrincipalTag") else name): values for name, values in says.items()}

    of = lambda made: runtime.session(*(made["Credentials"][k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken")))

    def assume(response=None, **more):
        response = response or idp.response(says)
        return anyone("sts").assume_role_with_saml(**{"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": encoded(response), **more})

    for over, algorithm in [("Assertion", signxml.SignatureMethod.RSA_SHA256), ("Response", signxml.SignatureMethod.RSA_SHA512)]:
        made = assume(idp.response(says, over, algorithm))
        assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/saml/joerg"
        assert (made["Subject"], made["SubjectType"], made["Issuer"], made["Audience"]) == ("jörg & co", "persistent", ENTITY, SIGN_IN)
    session = of(made)
    assert session("iam").list_users()
    assert code(lambda: session("iam").list_roles()) == "AccessDenied"
    # Another's tags, and what is not signed by this provider.
    red = of(assume(idp.response(says | {ATTRIBUTES + "PrincipalTag:team": ["red"]})))
    assert code(lambda: red("iam").list_users()) == "AccessDenied"
    assert code(lambda: assume(Idp().response(says))) == "InvalidIdentityToken"
    assert code(lambda: assume(idp.response(says).replace(b"blue", b"gold"))) == "InvalidIdentityToken"
    assert code(lambda: assume(b"no response")) == "InvalidIdentityToken"
    iam.update_assume_role_policy(RoleName="saml", PolicyDocument=trusting(*every, StringEquals={"saml:sub": "someone else"}))
    assert code(assume) == "AccessDenied"
    iam.update_assume_role_policy(RoleName="saml", PolicyDocument=trusting(every[0]))
    assert code(assume) == "AccessDenied", "the session's tags are not let in"
    iam.update_assume_role_policy(RoleName="saml", PolicyDocument=trusting(*every))
    assert assume()
    iam.update_saml_provider(SAMLProviderArn=provider, SAMLMetadataDocument=Idp().metadata())
    assert code(assume) == "InvalidIdentityToken", "the provider has another key"
    iam.delete_saml_provider(SAMLProviderArn=provider)
    assert code(assume) == "InvalidIdentityToken"


def test_the_trail_names_the_bearer(admin, anyone, account, idp):
    iam = admin("iam")
    provider = iam.create_saml_provider(Name="Trailed", SAMLMetadataDocument=idp.metadata())["SAMLProviderArn"]
    role = f"arn:aws:iam::{account}:role/none"
    response = idp.response({"Role": [f"{role},{provider}"], "RoleSessionName": ["joerg"]}, subject="trailed")
    assert code(lambda: anyone("sts").assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=encoded(response))) == "AccessDenied"
    events = admin("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithSAML"}])["Events"]
    who = [json.loads(event["CloudTrailEvent"])["userIdentity"] for event in events]
    mine = [identity for identity in who if identity.get("userName") == "trailed"]
    assert mine and mine[0]["type"] == "SAMLUser" and mine[0]["identityProvider"] == provider
    iam.delete_saml_provider(SAMLProviderArn=provider)
