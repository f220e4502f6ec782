"""PostgreSQL behind IAM: real instances, real clients, every way in both open and shut."""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from unittest import mock

import psycopg
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from conftest import Runtime, allow

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def own():
    """A runtime of this module's own, so that it can be killed."""
    runtime = Runtime()
    yield runtime
    rds = runtime.session()("rds")
    for instance in rds.describe_db_instances()["DBInstances"]:
        rds.modify_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], DeletionProtection=False)
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    until(lambda: not rds.describe_db_instances()["DBInstances"])
    runtime.stop()
    shutil.rmtree(runtime.data)


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
    return found


def status(rds, name):
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def settled(rds, name, wanted="available"):
    def look():
        instance = status(rds, name)
        assert instance["DBInstanceStatus"] != "failed", instance
        return instance["DBInstanceStatus"] == wanted and instance

    return until(look)


def create(rds, name, **more):
    facts = dict(DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20, MasterUsername="boss", MasterUserPassword=PASSWORD)
    rds.create_db_instance(DBInstanceIdentifier=name, **{k: v for k, v in (facts | more).items() if v is not None})
    return settled(rds, name)


class Database:
    def __init__(self, runtime, name, **more):
        self.runtime, self.name = runtime, name
        self.rds = runtime.session()("rds")
        self.facts = create(self.rds, name, DBName="shop", EnableIAMDatabaseAuthentication=True, **more)
        self.port = self.facts["Endpoint"]["Port"]
        with self.connect("boss", PASSWORD) as boss:
            boss.execute("CREATE ROLE app LOGIN PASSWORD 'of-no-use-here'; GRANT rds_iam TO app; CREATE ROLE plain LOGIN PASSWORD 'plain-word'")
            boss.execute("CREATE TABLE orders (id int); GRANT ALL ON orders TO app")

    def connect(self, user, password, **more):
        facts = dict(host="localhost", port=self.port, dbname="shop", sslmode="verify-full", sslrootcert=str(self.runtime.data / "ca.pem"), connect_timeout=10)
        return psycopg.connect(user=user, password=password, autocommit=True, **(facts | more))

    def arn(self, user):
        account = self.facts["DBInstanceArn"].split(":")[4]
        return f"arn:aws:rds-db:us-east-1:{account}:dbuser:{self.facts['DbiResourceId']}/{user}"

    def token(self, clients, user="app", host="localhost", port=None, region=None):
        rds = clients("rds")
        return rds.generate_db_auth_token(DBHostname=host, Port=port or self.port, DBUsername=user, Region=region)


@pytest.fixture(scope="module")
def database(own):
    return Database(own, "orders")


def principal(runtime, policy=None):
    """A fresh user's clients."""
    iam, name = runtime.session()("iam"), f"u-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    clients = runtime.session(key["AccessKeyId"], key["SecretAccessKey"])
    clients.name, clients.key = name, key["AccessKeyId"]
    return clients


@pytest.fixture(scope="module")
def connector(own, database):
    """May connect as `app`, and nothing else."""
    return principal(own, allow("rds-db:connect", resource=database.arn("app")))


def refused(call, *words):
    with pytest.raises(psycopg.OperationalError) as error:
        call().close()
    for word in words:
        assert word in str(error.value), error.value


PAM = 'PAM authentication failed for user "app"'


def test_a_token_opens_the_door(database, connector):
    with database.connect("app", database.token(connector)) as app:
        assert app.execute("SELECT current_user, session_user").fetchone() == ("app", "app")
        assert app.info.parameter_status("server_encoding") == "UTF8"
        app.execute("INSERT INTO orders VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE ROLE other")
    # A token is good for many logins, and under the address, too.
    with database.connect("app", database.token(connector, host="127.0.0.1"), host="127.0.0.1") as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_roles_session_opens_it(own, database):
    iam, sts = own.session()("iam"), own.session()("sts")
    account = sts.get_caller_identity()["Account"]
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="orders-task", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="orders-task", PolicyName="db", PolicyDocument=json.dumps(allow("rds-db:connect", resource=database.arn("*"))))
    keys = sts.assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
    clients = own.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    token = database.token(clients)
    with database.connect("app", token) as app:
        assert app.execute("SELECT current_user").fetchone() == ("app",)
        # The role goes, and its live session with it.
        iam.delete_role_policy(RoleName="orders-task", PolicyName="db")
        dead(app)
    refused(lambda: database.connect("app", token), PAM)
    # A session token is a part of the proof.
    refused(lambda: database.connect("app", database.token(own.session(keys["AccessKeyId"], keys["SecretAccessKey"]))), PAM)


def dead(connection, seconds=1.0):
    """Waits for the end of a session; the time it took."""
    begun = time.monotonic()
    with pytest.raises(psycopg.OperationalError):
        while time.monotonic() - begun < seconds:
            connection.execute("SELECT 1")
            time.sleep(0.005)
        pytest.fail("the session lives on")
    return time.monotonic() - begun


def signed(clients, database, minutes=0, expires=900, service="rds-db", path="/", **query):
    """A token that differs from a good one in one thing, and is well signed all the same."""
    query = {"Action": "connect", "DBUser": "app"} | query
    request = AWSRequest("GET", f"https://localhost:{database.port}{path}", params=query)
    moved = (datetime.now(timezone.utc) + timedelta(minutes=minutes)).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moved):
        SigV4QueryAuth(clients.session.get_credentials(), service, "us-east-1", expires=expires).add_auth(request)
    return request.url.removeprefix("https://")


def test_other_tokens_do_not(own, database, connector):
    good = database.token(connector)
    changed = good[:-1] + ("0" if good[-1] != "0" else "1")
    tokens = {
        "expired": signed(connector, database, minutes=-16),
        "of the future": signed(connector, database, minutes=30),
        "longer lived": signed(connector, database, expires=901),
        "for another action": signed(connector, database, Action="other"),
        "for another service": signed(connector, database, service="rds"),
        "for another path": signed(connector, database, path="/x"),
        "tampered with": changed,
        "with its user changed": database.token(connector, user="plain").replace("DBUser=plain", "DBUser=app"),
        "of another port": database.token(connector, port=database.port + 1),
        "of another host": database.token(connector, host="db.example.com"),
        "of another region": database.token(connector, region="eu-west-1"),
        "of another user": database.token(connector, user="plain"),
        "cut": good[:100],
        "garbage": "x" * 5000,
        "for everything": "localhost",
        "the role's own password": "of-no-use-here",
        "of nobody": database.token(own.session("AKIAAAAAAAAAAAAAAAAA", "secret")),
    }
    for name, token in tokens.items():
        with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
            database.connect("app", token).close()
            pytest.fail(f"a token {name} was taken")
    for token in (good, signed(connector, database), signed(connector, database, minutes=-14)):
        database.connect("app", token).close()


def test_the_policy_decides(own, database):
    for policy in (
        None,
        allow("rds-db:connect", resource=database.arn("other")),
        allow("rds-db:connect", resource=database.arn("app").replace(database.facts["DbiResourceId"], "db-OTHER")),
        allow("rds:*"),
        allow("rds-db:connect", resource=database.arn("app"), Condition={"Bool": {"aws:SecureTransport": "false"}}),
    ):
        refused(lambda: database.connect("app", database.token(principal(own, policy))), PAM)
    conditioned = allow("rds-db:connect", resource=database.arn("app"), Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}, "Bool": {"aws:SecureTransport": "true"}})
    with database.connect("app", database.token(principal(own, conditioned))):
        pass


def test_an_inactive_key_proves_nothing(own, database):
    clients = principal(own, allow("rds-db:connect", resource=database.arn("app")))
    token = database.token(clients)
    with database.connect("app", token) as app:
        own.session()("iam").update_access_key(UserName=clients.name, AccessKeyId=clients.key, Status="Inactive")
        dead(app)
    refused(lambda: database.connect("app", token), PAM)


def test_passwords_are_for_the_others(database, connector):
    with database.connect("plain", "plain-word") as plain:
        assert plain.execute("SELECT current_user").fetchone() == ("plain",)
    refused(lambda: database.connect("plain", "wrong"), 'password authentication failed for user "plain"')
    # Tokens are no passwords, even of those who may do everything.
    administrator = database.runtime.session()
    refused(lambda: database.connect("plain", database.token(administrator, user="plain")), "password authentication failed")
    refused(lambda: database.connect("nobody", "wrong"), 'password authentication failed for user "nobody"')
    refused(lambda: database.connect("boss", database.token(administrator, user="boss")), "password authentication failed")


def test_nobody_comes_in_unencrypted(database, connector):
    outside = 'no pg_hba.conf entry for host "127.0.0.1", user "app", database "shop", no encryption'
    refused(lambda: database.connect("app", database.token(connector), sslmode="disable"), outside)
    refused(lambda: database.connect("plain", "plain-word", sslmode="disable"), "no encryption")
    # Nor with a certificate that is not the runtime's.
    refused(lambda: database.connect("plain", "plain-word", sslrootcert="/etc/ssl/certs/ca-certificates.crt"), "certificate verify failed")


def test_without_force_ssl_passwords_may_but_tokens_may_not(database, connector):
    rds = database.rds
    family = f"postgres{database.facts['DBParameterGroups'][0]['DBParameterGroupName'].removeprefix('default.postgres')}"
    rds.create_db_parameter_group(DBParameterGroupName="open", DBParameterGroupFamily=family, Description="d")
    rds.modify_db_instance(DBInstanceIdentifier="orders", DBParameterGroupName="open")
    parameter = lambda name, value: dict(ParameterName=name, ParameterValue=value, ApplyMethod="immediate")
    rds.modify_db_parameter_group(DBParameterGroupName="open", Parameters=[parameter("rds.force_ssl", "0"), parameter("work_mem", "5000")])
    until(lambda: status(rds, "orders")["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync")
    with database.connect("plain", "plain-word", sslmode="disable") as plain:
        assert plain.execute("SHOW work_mem").fetchone() == ("5000kB",)
    refused(lambda: database.connect("app", database.token(connector), sslmode="disable"), "rejects connection", "no encryption")
    rds.modify_db_parameter_group(DBParameterGroupName="open", Parameters=[parameter("rds.force_ssl", "1")])
    refused(lambda: database.connect("plain", "plain-word", sslmode="disable"), "no encryption")


def test_the_services_own_are_nobodys(own, database):
    administrator = own.session()
    with database.connect("boss", PASSWORD) as boss:
        assert boss.execute("SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'boss'").fetchone() == (False, True, True)
        # Even a member of rds_iam, a superuser does not come in.
        boss.execute("GRANT rds_iam TO rdsadmin")
        for escape in ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                boss.execute(f"GRANT {escape} TO boss")
        for statement in ("COPY (SELECT 1) TO PROGRAM 'id'", "ALTER SYSTEM SET listen_addresses = '*'", "CREATE ROLE evil SUPERUSER", "SELECT pg_reload_conf()", "SELECT pg_read_file('/etc/passwd')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                boss.execute(statement)
    for user, name in (("rdsadmin", "shop"), ("rdsadmin", "postgres"), ("boss", "rdsadmin")):
        refused(lambda: database.connect(user, database.token(administrator, user=user), dbname=name), "rejects connection")
    with database.connect("boss", PASSWORD) as boss:
        boss.execute("REVOKE rds_iam FROM rdsadmin")


def test_membership_decides_how_to_prove(own, database):
    administrator = own.session()
    with database.connect("boss", PASSWORD) as boss:
        boss.execute("CREATE ROLE turn LOGIN PASSWORD 'turn-word'")
        database.connect("turn", "turn-word").close()
        boss.execute("GRANT rds_iam TO turn")
        refused(lambda: database.connect("turn", "turn-word"), 'PAM authentication failed for user "turn"')
        database.connect("turn", database.token(administrator, user="turn")).close()
        boss.execute("REVOKE rds_iam FROM turn")
        refused(lambda: database.connect("turn", database.token(administrator, user="turn")), "password authentication failed")
        # Its own password was not touched.
        database.connect("turn", "turn-word").close()


def test_revocation_is_a_commit(own, database):
    iam = own.session()("iam")
    clients = principal(own, allow("rds-db:connect", resource=database.arn("app")))
    app = database.connect("app", database.token(clients))
    bystander = database.connect("plain", "plain-word")
    # One waits, one has a statement that runs on.
    busy, outcome = database.connect("app", database.token(clients)), []

    def work():
        try:
            busy.execute("SELECT pg_sleep(60)")
        except psycopg.Error as error:
            outcome.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.3)
    iam.delete_user_policy(UserName=clients.name, PolicyName="test")
    took = dead(app)
    worker.join(5)
    assert outcome and took < 1
    assert bystander.execute("SELECT 1").fetchone() == (1,)
    left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
    with database.connect("boss", PASSWORD) as boss:
        until(lambda: boss.execute(left).fetchone() == (0,), 5)
    bystander.close()


def test_statements_can_be_cancelled(database):
    with database.connect("plain", "plain-word") as plain:
        threading.Timer(0.3, plain.cancel).start()
        begun = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            plain.execute("SELECT pg_sleep(30)")
        assert time.monotonic() - begun < 10
        # A made-up key reaches nobody.
        with socket.create_connection(("127.0.0.1", database.port)) as stranger:
            stranger.sendall(struct.pack("!IIII", 16, 80877102, plain.info.backend_pid, 12345))
            assert stranger.recv(1) == b""
        assert plain.execute("SELECT 1").fetchone() == (1,)


def test_much_goes_both_ways(database):
    with database.connect("boss", PASSWORD) as boss:
        boss.execute("CREATE TABLE bulk (t text)")
        with boss.cursor().copy("COPY bulk FROM STDIN") as copy:
            for _ in range(20_000):
                copy.write(b"x" * 500 + b"\n")
        assert boss.execute("SELECT count(*), sum(length(t)) FROM bulk").fetchone() == (20_000, 10_000_000)
        with boss.cursor().copy("COPY bulk TO STDOUT") as copy:
            assert sum(len(piece) for piece in copy) == 20_000 * 501


def test_tls_from_the_first_byte(database):
    context = ssl.create_default_context(cafile=database.runtime.data / "ca.pem")
    startup = struct.pack("!I", 196608) + b"user\0plain\0database\0shop\0\0"
    startup = struct.pack("!I", len(startup) + 4) + startup

    def first(protocols):
        context.set_alpn_protocols(protocols)
        with socket.create_connection(("127.0.0.1", database.port)) as raw, context.wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(startup)
            return tls.recv(1)

    assert first(["postgresql"]) == b"R"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        assert first(["http/1.1"]) == b""
        raise ConnectionError("closed")


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\1", b"\xff" * 100, struct.pack("!II", 8, 80877103) + b"stuffed, before the handshake", struct.pack("!II", 9, 196608) + b"\0"],
    ids=["http", "short", "long", "stuffed", "empty"],
)
def test_hostile_beginnings(database, sent):
    with socket.create_connection(("127.0.0.1", database.port), timeout=15) as raw:
        raw.sendall(sent)
        try:
            raw.shutdown(socket.SHUT_WR)
        except OSError:
            return
        while piece := raw.recv(1000):
            assert piece[:1] in (b"E", b"S", b"\x15"), piece
    database.connect("plain", "plain-word").close()


def test_a_slow_client_is_not_waited_for(database):
    with socket.create_connection(("127.0.0.1", database.port), timeout=30) as raw:
        begun = time.monotonic()
        assert raw.recv(1) == b""
        assert 8 < time.monotonic() - begun < 15


@pytest.mark.skipif(not shutil.which("psql"), reason="psql is not installed")
def test_psql(database, connector):
    environment = os.environ | {"PGPASSWORD": database.token(connector), "PGSSLROOTCERT": str(database.runtime.data / "ca.pem"), "PGSSLMODE": "verify-full"}
    command = ["psql", "-h", "localhost", "-p", str(database.port), "-U", "app", "-d", "shop", "-Atc", "SELECT current_user"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "app\n"), done.stderr


def test_logins_are_in_the_record(own, database, connector):
    database.connect("app", database.token(connector)).close()
    trail = own.session()("cloudtrail")
    connects = [{"AttributeKey": "EventName", "AttributeValue": "connect"}]

    def recorded():
        events = trail.lookup_events(LookupAttributes=connects)["Events"]
        return [e["CloudTrailEvent"] for e in events if e.get("Username") == connector.name]

    # A login does not wait for its record to be on the disk.
    mine = until(recorded, 5)
    assert json.loads(mine[0])["requestParameters"]["dBUser"] == "app"
    assert not any("X-Amz-Signature" in event for event in mine)


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def engine_pid(database):
    home = home_of(database)
    return int((home / "data" / "postmaster.pid").read_text().split("\n")[0])


def home_of(database):
    own = database.runtime.data / "rds"
    place = own if own.exists() else pathlib.Path("/var/lib/countersign/rds")
    return place / database.facts["DbiResourceId"]


def test_an_engine_that_is_killed_comes_back(database):
    session = database.connect("plain", "plain-word")
    with database.connect("boss", PASSWORD) as boss:
        boss.execute("INSERT INTO orders VALUES (77)")
    os.kill(engine_pid(database), signal.SIGKILL)
    dead(session)
    refused(lambda: database.connect("plain", "plain-word"))

    def back():
        try:
            with database.connect("boss", PASSWORD) as boss:
                return boss.execute("SELECT count(*) FROM orders WHERE id = 77").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    until(back)


def test_a_restart_keeps_everything(own, database, connector):
    with database.connect("boss", PASSWORD) as boss:
        boss.execute("INSERT INTO orders VALUES (78)")
    engine = engine_pid(database)
    own.stop()
    assert not runs(engine)
    own.start()
    settled(own.session()("rds"), "orders")
    until(lambda: answers(database))
    assert status(own.session()("rds"), "orders")["Endpoint"]["Port"] == database.port
    with database.connect("app", database.token(connector)) as app:
        assert app.execute("SELECT count(*) FROM orders WHERE id = 78").fetchone() == (1,)
    database.rds = own.session()("rds")


def answers(database):
    try:
        database.connect("plain", "plain-word").close()
        return True
    except psycopg.OperationalError:
        return False


def test_a_killed_runtime_leaves_no_engine_and_loses_nothing(own, database, connector):
    with database.connect("boss", PASSWORD) as boss:
        for n in range(100, 120):
            boss.execute("INSERT INTO orders VALUES (%s)", [n])
        engine = engine_pid(database)
        os.kill(own.pid(), signal.SIGKILL)
        until(lambda: not runs(engine), 20)
    # And one that starts while the engine before it is still there, stops that one.
    own.start()
    until(lambda: answers(database))
    second = engine_pid(database)
    os.kill(own.pid(), signal.SIGKILL)
    own.start()
    until(lambda: answers(database))
    assert engine_pid(database) != second and not runs(second)
    with database.connect("app", database.token(connector)) as app:
        assert app.execute("SELECT count(*) FROM orders WHERE id >= 100").fetchone() == (20,)
    database.rds = own.session()("rds")


def test_the_master_password_can_be_changed(database):
    rds = database.rds
    rds.modify_db_instance(DBInstanceIdentifier="orders", MasterUserPassword="another-word-now", ApplyImmediately=True)
    settled(rds, "orders")
    refused(lambda: database.connect("boss", PASSWORD), "password authentication failed")
    database.connect("boss", "another-word-now").close()
    rds.modify_db_instance(DBInstanceIdentifier="orders", MasterUserPassword=PASSWORD, ApplyImmediately=True)
    settled(rds, "orders")


def test_iam_can_be_turned_off(database, connector):
    rds = database.rds
    token = database.token(connector)
    app = database.connect("app", token)
    rds.modify_db_instance(DBInstanceIdentifier="orders", EnableIAMDatabaseAuthentication=False, ApplyImmediately=True)
    dead(app)
    settled(rds, "orders")
    refused(lambda: database.connect("app", token), "password authentication failed")
    database.connect("app", "of-no-use-here").close()
    rds.modify_db_instance(DBInstanceIdentifier="orders", EnableIAMDatabaseAuthentication=True, ApplyImmediately=True)
    settled(rds, "orders")
    database.connect("app", token).close()
    refused(lambda: database.connect("app", "of-no-use-here"), PAM)


def test_stop_start_reboot(database):
    rds = database.rds
    session = database.connect("plain", "plain-word")
    engine = engine_pid(database)
    rds.stop_db_instance(DBInstanceIdentifier="orders")
    dead(session)
    settled(rds, "orders", "stopped")
    assert not runs(engine)
    refused(lambda: database.connect("plain", "plain-word"))
    rds.start_db_instance(DBInstanceIdentifier="orders")
    settled(rds, "orders")
    session = database.connect("plain", "plain-word")
    rds.reboot_db_instance(DBInstanceIdentifier="orders")
    dead(session)
    settled(rds, "orders")
    database.connect("plain", "plain-word").close()


def test_two_instances_are_strangers(own, database):
    kms = own.session()("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rds = own.session()("rds")
    secret = own.session()("secretsmanager")
    other = create(rds, "other", MasterUserPassword=None, ManageMasterUserPassword=True, EnableIAMDatabaseAuthentication=True, StorageEncrypted=True, KmsKeyId=key, Port=database.port)
    # The port that was asked for is taken: it has another.
    port = other["Endpoint"]["Port"]
    assert port != database.port
    word = json.loads(secret.get_secret_value(SecretId=other["MasterUserSecret"]["SecretArn"])["SecretString"])
    there = dict(port=port, dbname="postgres")
    administrator = own.session()
    with database.connect(word["username"], word["password"], **there) as boss:
        boss.execute("CREATE ROLE app LOGIN; GRANT rds_iam TO app")
    # A token for the one is none for the other, and so is a permission.
    refused(lambda: database.connect("app", database.token(administrator), **there), PAM)
    narrow = principal(own, allow("rds-db:connect", resource=database.arn("app")))
    refused(lambda: database.connect("app", database.token(narrow, port=port), **there), PAM)
    session = database.connect("app", database.token(administrator, port=port), **there)
    # Without its key the storage is not to be read: sessions end, the engine stops.
    kms.disable_key(KeyId=key)
    dead(session)
    settled(rds, "other", "inaccessible-encryption-credentials-recoverable")
    with pytest.raises(ClientError, match="KMSKeyNotAccessible"):
        rds.start_db_instance(DBInstanceIdentifier="other")
    kms.enable_key(KeyId=key)
    rds.start_db_instance(DBInstanceIdentifier="other")
    settled(rds, "other")
    session = database.connect("app", database.token(administrator, port=port), **there)
    home = home_of(database).parent / other["DbiResourceId"]
    assert home.exists()
    rds.delete_db_instance(DBInstanceIdentifier="other", SkipFinalSnapshot=True)
    dead(session)
    until(lambda: all(i["DBInstanceIdentifier"] != "other" for i in rds.describe_db_instances()["DBInstances"]))
    assert not home.exists()
    with pytest.raises(ConnectionRefusedError):
        until(lambda: socket.create_connection(("127.0.0.1", port)).close(), 1)


TEMPLATE = """
Resources:
  Group:
    Type: AWS::RDS::DBParameterGroup
    Properties: {Family: postgres17, Description: d, Parameters: {rds.force_ssl: "1", log_statement: ddl}}
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      EngineVersion: "17"
      DBInstanceClass: db.t4g.micro
      AllocatedStorage: "20"
      MasterUsername: boss
      ManageMasterUserPassword: true
      EnableIAMDatabaseAuthentication: true
      DBParameterGroupName: !Ref Group
      Tags: [{Key: stage, Value: test}]
Outputs:
  Name: {Value: !Ref Database}
  Address: {Value: !GetAtt Database.Endpoint.Address}
  Port: {Value: !GetAtt Database.Endpoint.Port}
  Resource: {Value: !GetAtt Database.DbiResourceId}
  Arn: {Value: !GetAtt Database.DBInstanceArn}
  Secret: {Value: !GetAtt Database.MasterUserSecret.SecretArn}
"""


def test_a_stack_brings_a_database(own, database):
    cfn, rds = own.session()("cloudformation"), own.session()("rds")
    look = lambda: cfn.describe_stacks(StackName=stack)["Stacks"][0]
    stack = cfn.create_stack(StackName="data", TemplateBody=TEMPLATE)["StackId"]
    done = until(lambda: (s := look()) and not s["StackStatus"].endswith("_IN_PROGRESS") and s)
    assert done["StackStatus"] == "CREATE_COMPLETE", done
    out = {o["OutputKey"]: o["OutputValue"] for o in done["Outputs"]}
    shown = status(rds, out["Name"])
    assert (out["Address"], int(out["Port"])) == (shown["Endpoint"]["Address"], shown["Endpoint"]["Port"])
    assert (out["Resource"], out["Arn"]) == (shown["DbiResourceId"], shown["DBInstanceArn"])
    assert {"Key": "stage", "Value": "test"} in shown["TagList"]
    word = json.loads(own.session()("secretsmanager").get_secret_value(SecretId=out["Secret"])["SecretString"])
    with database.connect("boss", word["password"], port=int(out["Port"]), dbname="postgres") as boss:
        assert boss.execute("SHOW log_statement").fetchone() == ("ddl",)
    cfn.update_stack(StackName="data", TemplateBody=TEMPLATE.replace("log_statement: ddl", "log_statement: none").replace("Tags:", "DeletionProtection: true\n      Tags:"))
    done = until(lambda: (s := look()) and not s["StackStatus"].endswith("_IN_PROGRESS") and s)
    assert done["StackStatus"] == "UPDATE_COMPLETE" and status(rds, out["Name"])["DeletionProtection"]
    cfn.delete_stack(StackName="data")
    done = until(lambda: (s := look()) and not s["StackStatus"].endswith("_IN_PROGRESS") and s)
    assert done["StackStatus"] == "DELETE_FAILED"
    rds.modify_db_instance(DBInstanceIdentifier=out["Name"], DeletionProtection=False)
    cfn.delete_stack(StackName="data")
    until(lambda: look()["StackStatus"] == "DELETE_COMPLETE")
    until(lambda: all(i["DBInstanceIdentifier"] != out["Name"] for i in rds.describe_db_instances()["DBInstances"]))
