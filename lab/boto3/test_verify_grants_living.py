"""`verify --data --who-can` sees what grants of keys and resource shares open: what it says is what the estate does."""

import json
import uuid

from conftest import allow
from test_organizations import member  # noqa: F401 (a fixture)
from test_verify_rights_living import denied, own, user, verify  # noqa: F401 (a fixture)


def clients_of(own, admin, name):
    keys = admin("iam").create_access_key(UserName=name)["AccessKey"]
    return own.session(keys["AccessKeyId"], keys["SecretAccessKey"])


def test_grantees_can_too(own):
    admin = own.session()
    kms = admin("kms")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": admin("sts").get_caller_identity()["Arn"]}, "Action": "kms:*", "Resource": "*"}]}
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    plain, bound, none = (user(admin, allow("s3:ListAllMyBuckets")) for _ in range(3))
    barred = user(admin, {"Statement": [{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}]})
    arn = lambda name: admin("iam").get_user(UserName=name)["User"]["Arn"]
    made = kms.create_grant(KeyId=key, GranteePrincipal=arn(plain), Operations=["Encrypt", "Decrypt"])["GrantId"]
    kms.create_grant(KeyId=key, GranteePrincipal=arn(bound), Operations=["Decrypt"], Constraints={"EncryptionContextSubset": {"Team": "blue"}})
    kms.create_grant(KeyId=key, GranteePrincipal=arn(barred), Operations=["Decrypt"])
    blobs = {team: kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"Team": team})["CiphertextBlob"] for team in ("blue", "red")}

    def can():
        code, answer = verify(own, "--who-can", "kms:Decrypt", "--to", key)
        assert code == 0, answer
        return {f["subject"]: f for f in answer["findings"]}

    said = can()
    assert plain in said and bound in said and none not in said and barred not in said, said.keys()
    assert made in json.dumps(said[plain]), "the grant is named"
    assert "blue" in json.dumps(said[bound]) and "Team" in json.dumps(said[bound]), "its constraint is told"
    for name in (plain, bound, none, barred):
        clients = clients_of(own, admin, name)
        decrypt = lambda team: clients("kms").decrypt(CiphertextBlob=blobs[team], EncryptionContext={"Team": team})
        assert denied(lambda: decrypt("blue")) == (name not in said), name
        assert denied(lambda: decrypt("red")) == (name != plain), name
    # By what a grant does not include nobody comes in, nor by one that is gone.
    _, answer = verify(own, "--who-can", "kms:Sign", "--to", key)
    assert plain not in {f["subject"] for f in answer["findings"]}
    kms.revoke_grant(KeyId=key, GrantId=made)
    assert plain not in can()


def test_what_is_shared_is_seen(own):
    admin = own.session()
    org, ec2, ram = admin("organizations"), admin("ec2"), admin("ram")
    made = org.create_account(Email=f"{uuid.uuid4().hex}@example.com", AccountName="m")["CreateAccountStatus"]["AccountId"]
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetArn"]
    role = f"arn:aws:iam::{made}:role/OrganizationAccountAccessRole"

    def can():
        _, answer = verify(own, "--who-can", "ec2:DescribeSubnets", "--to", subnet)
        return {f["subject"]: f["outcome"] for f in answer["findings"] if made in json.dumps(f["subject"]) or "OrganizationAccountAccessRole" in f["subject"]}

    assert not can()
    ram.enable_sharing_with_aws_organization()
    share = ram.create_resource_share(name="s", resourceArns=[subnet], principals=[made])["resourceShare"]["resourceShareArn"]
    assert can(), f"{role} is not seen"
    ram.delete_resource_share(resourceShareArn=share)
    assert not can()
