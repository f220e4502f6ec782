"""A new service is one folder: made by `cargo xtask new-service`, it is in the API, in CloudFormation, behind
the policies and in the table of the README, and no other file was edited.

All of it happens in a copy of the tree. What is compiled already is linked, not copied, and what is written is
written to files of the copy's own, so that the repository's target folder stays as it was.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import botocore
import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM, ROOT, Runtime, allow

# One that is small, speaks REST with its names in the path, and signs by another name than its folder's.
NAME, PREFIX = "codeguruprofiler", "codeguru-profiler"
OPERATIONS = ["CreateProfilingGroup", "DescribeProfilingGroup", "DeleteProfilingGroup", "ListProfilingGroups"]
DATA = pathlib.Path(botocore.__path__[0]) / "data"
GENERATED = {"services/lib.rs", "services/Cargo.toml", "README.md", "Cargo.lock"}

GROUP = '''//! Profiling groups.

use model::{AccountId, Fault, Node, Tags, Tx};
use serde::{Deserialize, Serialize};

use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    account: AccountId,
    region: String,
    name: String,
    tags: Tags,
}

impl Node for Group {
    const KIND: &'static str = "AWS::CodeGuruProfiler::ProfilingGroup";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(model::ids::arn("codeguru-profiler", &self.region, &self.account, &format!("profilingGroup/{}", self.name)))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

fn shape(group: &Group) -> ProfilingGroupDescription {
    ProfilingGroupDescription { name: Some(group.name.clone()), arn: group.arn(), ..Default::default() }
}

fn find(tx: &Tx<'_>, name: &str) -> Result<Group, Fault> {
    let missing = || Fault::new("ResourceNotFoundException", 404, format!("there is no profiling group `{name}`"));
    tx.find::<Group>(name).cloned().ok_or_else(missing)
}

pub(crate) fn create_profiling_group(tx: &mut Tx<'_>, input: CreateProfilingGroupRequest) -> Result<CreateProfilingGroupResponse, Fault> {
    let name = input.profiling_group_name;
    if tx.find::<Group>(&name).is_some() {
        return Err(Fault::new("ConflictException", 409, "the profiling group exists"));
    }
    let tags = input.tags.unwrap_or_default().into_iter().collect();
    let group = Group { account: tx.account.clone(), region: tx.region.clone(), name, tags };
    let profiling_group = shape(&group);
    tx.put(group)?;
    Ok(CreateProfilingGroupResponse { profiling_group })
}

pub(crate) fn describe_profiling_group(tx: &mut Tx<'_>, input: DescribeProfilingGroupRequest) -> Result<DescribeProfilingGroupResponse, Fault> {
    Ok(DescribeProfilingGroupResponse { profiling_group: shape(&find(tx, &input.profiling_group_name)?) })
}

pub(crate) fn delete_profiling_group(tx: &mut Tx<'_>, input: DeleteProfilingGroupRequest) -> Result<DeleteProfilingGroupResponse, Fault> {
    let group = find(tx, &input.profiling_group_name)?;
    tx.remove(&group)?;
    Ok(DeleteProfilingGroupResponse::default())
}
'''

PROVIDER = '''//! `AWS::CodeGuruProfiler::ProfilingGroup` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx};
use serde_json::json;

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::CodeGuruProfiler::ProfilingGroup", create, update, delete, ready: None }];

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let (name, tags) = (deploy.property("ProfilingGroupName"), deploy.tags_with("Tags"));
    let input = json!({"profilingGroupName": name, "clientToken": tx.uuid(), "tags": tags});
    let made = deploy.call(tx, "codeguruprofiler", "CreateProfilingGroup", input)?.to_json();
    let arn = made.pointer("/profilingGroup/arn").cloned().unwrap_or_default();
    Ok(Physical::new(deploy.text("ProfilingGroupName").unwrap_or_default()).attribute("Arn", arn))
}

fn update(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    deploy.call(tx, "codeguruprofiler", "DeleteProfilingGroup", json!({"profilingGroupName": deploy.id()?})).map(|_| ())
}
'''

TYPES = """type AWS::CodeGuruProfiler::ProfilingGroup
  ref ProfilingGroupName
  attr Arn
  ProfilingGroupName*: string create
  Tags: tags
"""

TEMPLATE = """
Resources:
  Group: {Type: AWS::CodeGuruProfiler::ProfilingGroup, Properties: {ProfilingGroupName: of-a-stack}}
Outputs: {Name: {Value: !Ref Group}, Arn: {Value: !GetAtt Group.Arn}}
"""


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def sources(root):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, check=True)
    return [f for f in listed.stdout.decode().split("\0") if f and (root / f).is_file()]


def copy(root, to):
    """The sources with their times: cargo goes by them."""
    for file in sources(root):
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, to / file)


def link(compiled, to):
    """What is compiled. Cargo and rustc replace libraries, but write over their small notes: those are copied."""
    if not compiled.is_dir():
        return
    for part in (".fingerprint", "build"):
        shutil.copytree(compiled / part, to / part, symlinks=True)
    (to / "deps").mkdir()
    for file in os.scandir(compiled / "deps"):
        if file.name.endswith((".rlib", ".rmeta", ".so")):
            os.link(file.path, to / "deps" / file.name)
        elif file.name.endswith(".d"):
            shutil.copy2(file.path, to / "deps" / file.name)


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


class Tree:
    """The copy."""

    def __init__(self, base):
        self.root, self.target = base / "tree", base / "target"
        copy(ROOT, self.root)
        self.before = self.digests()
        link(ROOT / "target" / "debug", self.target / "debug")

    def digests(self):
        files = [p for p in self.root.rglob("*") if p.is_file()]
        return {str(p.relative_to(self.root)): digest(p) for p in files}

    def changed(self):
        """What differs from the tree that was copied."""
        now = self.digests()
        return {f for f in now.keys() | self.before.keys() if now.get(f) != self.before.get(f)}

    def run(self, *command, **more):
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.target), **more}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def tree():
    """The copy with the new service in it, built."""
    (ROOT / "target").mkdir(exist_ok=True)
    before = (digest(PROGRAM), PROGRAM.stat().st_mtime_ns)
    base = pathlib.Path(tempfile.mkdtemp(prefix="new-service-", dir=ROOT / "target"))
    try:
        tree = Tree(base)
        tree.run("cargo", "xtask", "new-service", NAME, "--from", str(DATA), *OPERATIONS)
        tree.made = tree.changed()
        folder = tree.root / "services" / NAME
        # The folder is filled as its comments say.
        library = (folder / "src/lib.rs").read_text()
        for operation in OPERATIONS[:3]:
            function = operation.replace("ProfilingGroup", "_profiling_group").lower()
            library = library.replace(f"{operation} => {function}", f"{operation} => group::{function}")
            begin = library.index(f"\nfn {function}(")
            library = library[:begin] + library[library.index("\n}\n", begin) + 3 :]
        library = library.replace("mod iam;", "mod group;\nmod iam;").replace("nodes: &[]", "nodes: &[model::NodeKind::of::<group::Group>()]")
        (folder / "src/lib.rs").write_text(library)
        (folder / "src/group.rs").write_text(GROUP)
        (folder / "src/provider.rs").write_text(PROVIDER)
        (folder / f"{NAME}.cfn").write_text(TYPES)
        tree.run("cargo", "xtask", "sync")
        # The packages that the tests' program is built with: with others, features and so libraries would differ.
        tree.run("cargo", "build", "--offline", "--quiet", "-p", "countersign", "-p", "securecart")
        yield tree
        assert (digest(PROGRAM), PROGRAM.stat().st_mtime_ns) == before, "the repository's program was touched"
    finally:
        shutil.rmtree(base)


@pytest.fixture(scope="module")
def toy(tree):
    class Toy(Runtime):
        program = tree.target / "debug" / "countersign"

    toy = Toy()
    yield toy
    toy.stop()
    shutil.rmtree(toy.data)


def test_it_is_one_folder(tree):
    own = lambda file: file.startswith(f"services/{NAME}/")
    assert {f for f in tree.made if not own(f)} <= GENERATED
    assert {f for f in tree.changed() if not own(f)} <= GENERATED
    tree.run("cargo", "xtask", "sync", "--check")


def test_it_is_in_the_tables(tree):
    row = next(l for l in (tree.root / "README.md").read_text().splitlines() if l.startswith(f"| {NAME} "))
    assert row == f"| {NAME} | 4: {', '.join(sorted(OPERATIONS))} | AWS::CodeGuruProfiler::ProfilingGroup |"
    actions = (tree.root / "services" / NAME / f"{NAME}.iam").read_text().split("\n")
    levels = {"CreateProfilingGroup": "Write", "DescribeProfilingGroup": "Read", "DeleteProfilingGroup": "Write", "ListProfilingGroups": "List"}
    assert [a for a in actions if a] == [f"action {o} {levels[o]}" for o in sorted(OPERATIONS)]


def test_it_is_in_the_api(toy):
    client = toy.session()(NAME)
    made = client.create_profiling_group(profilingGroupName="first", clientToken="t")["profilingGroup"]
    assert made["arn"].endswith(":profilingGroup/first")
    assert client.describe_profiling_group(profilingGroupName="first")["profilingGroup"] == made
    assert code(lambda: client.create_profiling_group(profilingGroupName="first", clientToken="t")) == "ConflictException"
    client.delete_profiling_group(profilingGroupName="first")
    assert code(lambda: client.describe_profiling_group(profilingGroupName="first")) == "ResourceNotFoundException"
    # What was not written yet is refused, too: there is no answer that nobody wrote.
    assert code(client.list_profiling_groups) == "NotImplemented"


def test_it_asks_for_permission(toy):
    iam = toy.session()("iam")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    someone = toy.session(key["AccessKeyId"], key["SecretAccessKey"])(NAME)
    make = lambda: someone.create_profiling_group(profilingGroupName="theirs", clientToken="t")
    with pytest.raises(ClientError, match=f"not authorized to perform: {PREFIX}:CreateProfilingGroup"):
        make()
    iam.put_user_policy(UserName="someone", PolicyName="some", PolicyDocument=json.dumps(allow(f"{PREFIX}:CreateProfilingGroup")))
    assert make()["profilingGroup"]["name"] == "theirs"
    assert code(lambda: someone.delete_profiling_group(profilingGroupName="theirs")) in ("AccessDenied", "AccessDeniedException")


def test_nothing_of_it_is_open(tree, toy):
    """The matrix of all operations finds it by its folder."""
    told = tree.run(sys.executable, "-m", "pytest", "-q", "lab/boto3/test_matrix.py", "-k", NAME, COUNTERSIGN=str(toy.program))
    assert f"{len(OPERATIONS)} passed" in told


def test_it_is_in_cloudformation(toy):
    cfn, client = toy.session()("cloudformation"), toy.session()(NAME)
    stack = cfn.create_stack(StackName="toy", TemplateBody=TEMPLATE)["StackId"]
    made = settled(cfn, stack)
    assert made["StackStatus"] == "CREATE_COMPLETE", made
    out = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
    assert client.describe_profiling_group(profilingGroupName=out["Name"])["profilingGroup"]["arn"] == out["Arn"]
    cfn.delete_stack(StackName="toy")
    assert settled(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert code(lambda: client.describe_profiling_group(profilingGroupName=out["Name"])) == "ResourceNotFoundException"
    wrong = TEMPLATE.replace("ProfilingGroupName: of-a-stack", "ProfilingGroupName: a, Wrong: b")
    assert code(lambda: cfn.create_stack(StackName="wrong", TemplateBody=wrong)) == "ValidationError"


def settled(cfn, name):
    for _ in range(200):
        stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.05)
    raise AssertionError(stack)
