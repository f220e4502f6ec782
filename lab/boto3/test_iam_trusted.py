"""Identity providers, service-linked roles and MFA devices from a template."""

import json

from test_cloudformation import settled
from test_iam import code

METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example.com"><md:IDPSSODescriptor><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>MIIB</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor>""" + " " * 800 + "</md:EntityDescriptor>"


def template(clients, **more):
    return json.dumps({"Resources": {
        "Issuer": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": "https://issuer.example.com", "ClientIdList": clients, "ThumbprintList": ["a" * 40]}},
        "Idp": {"Type": "AWS::IAM::SAMLProvider", "Properties": {"Name": "templated", "SamlMetadataDocument": METADATA, **more}},
        "Linked": {"Type": "AWS::IAM::ServiceLinkedRole", "Properties": {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "templated"}},
        "User": {"Type": "AWS::IAM::User", "Properties": {"UserName": "device-bearer"}},
        "Device": {"Type": "AWS::IAM::VirtualMFADevice", "Properties": {"VirtualMfaDeviceName": "templated", "Users": [{"Ref": "User"}]}},
    }, "Outputs": {name: {"Value": {"Fn::GetAtt": [name, attribute]}} for name, attribute in
                   [("Issuer", "Arn"), ("Idp", "SamlProviderUUID"), ("Linked", "RoleName"), ("Device", "SerialNumber")]}})


def test_a_template_of_trust(admin, account):
    cfn, iam, name = admin("cloudformation"), admin("iam"), "trust-stack"
    capabilities = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    cfn.create_stack(StackName=name, TemplateBody=template(["one"]), **capabilities)
    stack = settled(cfn, name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", cfn.describe_stack_events(StackName=name)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    assert outputs["Issuer"] == f"arn:aws:iam::{account}:oidc-provider/issuer.example.com"
    assert outputs["Linked"] == "AWSServiceRoleForAutoScaling_templated"
    assert outputs["Device"] == f"arn:aws:iam::{account}:mfa/templated"
    assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName="device-bearer")["MFADevices"]] == [outputs["Device"]]
    cfn.update_stack(StackName=name, TemplateBody=template(["two"], Tags=[{"Key": "a", "Value": "1"}]), **capabilities)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=outputs["Issuer"])["ClientIDList"] == ["two"]
    saml = f"arn:aws:iam::{account}:saml-provider/templated"
    assert {"Key": "a", "Value": "1"} in iam.list_saml_provider_tags(SAMLProviderArn=saml)["Tags"]
    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert code(lambda: iam.get_saml_provider(SAMLProviderArn=saml)) == "NoSuchEntity"
    assert code(lambda: iam.get_role(RoleName=outputs["Linked"])) == "NoSuchEntity"
    assert outputs["Device"] not in [d["SerialNumber"] for d in iam.list_virtual_mfa_devices()["VirtualMFADevices"]]
