//! The control plane of RDS: what is let through, what is refused, and what stops when that
//! on which it depends is gone. Reports of the engine and the front are played here.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: what fails here fails the test"
)]

use std::sync::Arc;

use harness::{ACCOUNT, REGION, World};
use model::estate::ec2::{SecurityGroup, Subnet, Vpc};
use model::estate::rds::DbInstance;
use model::graph::Change;
use model::plane::{Calls as _, Report};
use model::{AccountId, Caller, Tags};
use serde_json::{Value as Json, json};

fn world() -> World {
    World::new(vec![&service_rds::SERVICE, &service_kms::SERVICE, &service_secretsmanager::SERVICE])
}

fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

fn basic(id: &str) -> Json {
    json!({
        "DBInstanceIdentifier": id, "DBInstanceClass": "db.t3.micro", "Engine": "postgres",
        "AllocatedStorage": 20, "MasterUsername": "boss", "MasterUserPassword": "correct horse".replace(' ', "-"),
    })
}

fn with(mut input: Json, more: Json) -> Json {
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    input
}

fn create(world: &World, caller: &Caller, input: Json) -> Result<Json, String> {
    let made = world.call(caller, "rds", "CreateDBInstance", input);
    made.map(|m| m["DBInstance"].clone()).map_err(|f| f.code.into_owned())
}

fn node(world: &World, id: &str) -> Option<DbInstance> {
    world.estate.snapshot().find::<DbInstance>(&account(), REGION, id).cloned()
}

fn report(world: &World, job: &str, id: &str, more: Json) {
    let instance = node(world, id).unwrap();
    let payload = with(json!({"arn": instance.arn(), "resource": instance.resource_id}), more);
    let report = Report { service: "rds", job, account: account(), region: REGION.to_owned(), payload };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(world.estate.report(report)).unwrap();
}

fn come_up(world: &World, id: &str) {
    let instance = node(world, id).unwrap();
    report(
        world,
        "EngineReport",
        id,
        json!({"event": "ready", "generation": instance.generation, "version": "15.18", "master": instance.master_version}),
    );
    report(world, "Listening", id, json!({"port": 5432}));
}

#[test]
fn what_is_wrong_is_refused_as_aws_does() {
    let world = world();
    let admin = world.admin();
    for (change, code) in [
        (json!({"Engine": "aurora-postgresql"}), "InvalidParameterValue"),
        (json!({"Engine": "mysql"}), "InvalidParameterValue"),
        (json!({"DBInstanceIdentifier": "1st"}), "InvalidParameterValue"),
        (json!({"DBInstanceIdentifier": "a--b"}), "InvalidParameterValue"),
        (json!({"DBInstanceClass": "t3.micro"}), "InvalidParameterValue"),
        (json!({"AllocatedStorage": 5}), "InvalidParameterValue"),
        (json!({"AllocatedStorage": null}), "MissingParameter"),
        (json!({"MasterUsername": "rdsadmin"}), "InvalidParameterValue"),
        (json!({"MasterUsername": "pg_boss"}), "InvalidParameterValue"),
        (json!({"MasterUsername": null}), "MissingParameter"),
        (json!({"MasterUserPassword": "short"}), "InvalidParameterValue"),
        (json!({"MasterUserPassword": "with/slash-in-it"}), "InvalidParameterValue"),
        (json!({"MasterUserPassword": null}), "MissingParameter"),
        (json!({"ManageMasterUserPassword": true}), "InvalidParameterCombination"),
        (json!({"DBName": "has-hyphen"}), "InvalidParameterValue"),
        (json!({"Port": 80}), "InvalidParameterValue"),
        (json!({"EngineVersion": "9.6"}), "InvalidParameterValue"),
        (json!({"BackupRetentionPeriod": 36}), "InvalidParameterValue"),
        (json!({"DBSubnetGroupName": "none"}), "DBSubnetGroupNotFoundFault"),
        (json!({"DBParameterGroupName": "none"}), "DBParameterGroupNotFound"),
        (json!({"VpcSecurityGroupIds": ["sg-1"]}), "InvalidParameterValue"),
        (json!({"KmsKeyId": "alias/x"}), "InvalidParameterCombination"),
        (json!({"StorageEncrypted": true, "KmsKeyId": "alias/x"}), "KMSKeyNotAccessibleFault"),
        (json!({"Iops": 3000}), "InvalidParameterValue"),
        (json!({"EnablePerformanceInsights": true}), "InvalidParameterValue"),
        (json!({"OptionGroupName": "mine"}), "OptionGroupNotFoundFault"),
    ] {
        let outcome = create(&world, &admin, with(basic("db1"), change.clone()));
        assert_eq!(outcome.err().as_deref(), Some(code), "{change}");
    }
    assert!(node(&world, "db1").is_none());
}

#[test]
fn an_instance_lives() {
    let world = world();
    let admin = world.admin();
    let call = |operation: &str, input: Json| world.call(&admin, "rds", operation, input);
    let code = |operation: &str, input: Json| call(operation, input).unwrap_err().code.into_owned();
    let made =
        create(&world, &admin, with(basic("Orders"), json!({"Tags": [{"Key": "team", "Value": "shop"}]})))
            .unwrap();
    assert_eq!(
        (made["DBInstanceStatus"].as_str(), made["DBInstanceIdentifier"].as_str()),
        (Some("creating"), Some("orders"))
    );
    assert!(made.get("Endpoint").is_none() && !made.to_string().contains("horse"));
    assert_eq!(create(&world, &admin, basic("orders")).unwrap_err(), "DBInstanceAlreadyExists");
    let id = json!({"DBInstanceIdentifier": "orders"});
    assert_eq!(code("StopDBInstance", id.clone()), "InvalidDBInstanceState");
    come_up(&world, "orders");
    let shown = call("DescribeDBInstances", json!({"Filters": [{"Name": "engine", "Values": ["postgres"]}]}))
        .unwrap();
    let shown = &shown["DBInstances"][0];
    assert_eq!(shown["DBInstanceStatus"], "available");
    assert_eq!(
        (shown["Endpoint"]["Address"].as_str(), shown["Endpoint"]["Port"].as_i64()),
        (Some("localhost"), Some(5432))
    );
    assert_eq!(shown["EngineVersion"], "15.18");
    assert_eq!(code("DescribeDBInstances", json!({"DBInstanceIdentifier": "other"})), "DBInstanceNotFound");
    // A change is done once the engine has followed it.
    let changed = call(
        "ModifyDBInstance",
        with(id.clone(), json!({"EnableIAMDatabaseAuthentication": true, "DeletionProtection": true})),
    )
    .unwrap();
    assert_eq!(changed["DBInstance"]["DBInstanceStatus"], "configuring-iam-database-auth");
    come_up(&world, "orders");
    assert_eq!(node(&world, "orders").unwrap().status, "available");
    // Protected, then not; snapshots are never pretended.
    let skip = with(id.clone(), json!({"SkipFinalSnapshot": true}));
    assert_eq!(code("DeleteDBInstance", skip.clone()), "InvalidParameterCombination");
    call("ModifyDBInstance", with(id.clone(), json!({"DeletionProtection": false}))).unwrap();
    assert_eq!(code("DeleteDBInstance", id.clone()), "InvalidParameterCombination");
    assert_eq!(
        code("DeleteDBInstance", with(id.clone(), json!({"FinalDBSnapshotIdentifier": "last"}))),
        "InvalidParameterCombination"
    );
    call("StopDBInstance", id.clone()).unwrap();
    report(&world, "EngineReport", "orders", json!({"event": "stopped"}));
    assert_eq!(node(&world, "orders").unwrap().status, "stopped");
    // After seven days it starts again by itself.
    world.run_jobs_until(model::Timestamp(estate_now() + 8 * 86_400_000));
    assert_eq!(node(&world, "orders").unwrap().status, "starting");
    call("DeleteDBInstance", skip.clone()).unwrap();
    assert_eq!(code("DeleteDBInstance", skip), "InvalidDBInstanceState");
    report(&world, "EngineReport", "orders", json!({"event": "removed"}));
    assert!(node(&world, "orders").is_none());
}

fn estate_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[test]
fn a_managed_password_is_a_secret_of_the_callers_making() {
    let world = world();
    let admin = world.admin();
    let managed = with(basic("m"), json!({"ManageMasterUserPassword": true, "MasterUserPassword": null}));
    // Who may not make secrets, may not have one made.
    let some = world.user("some", Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["rds:*","secretsmanager:TagResource"],"Resource":"*"}]}"#));
    assert_eq!(create(&world, &some, managed.clone()).unwrap_err(), "AccessDeniedException");
    let made = create(&world, &admin, managed).unwrap();
    let arn = made["MasterUserSecret"]["SecretArn"].as_str().unwrap().to_owned();
    let value = || {
        let got = world.call(&admin, "secretsmanager", "GetSecretValue", json!({"SecretId": arn}));
        got.map(|s| s["SecretString"].as_str().unwrap().to_owned())
    };
    let first = value().unwrap();
    assert!(first.contains(r#""username":"boss""#));
    come_up(&world, "m");
    let id = json!({"DBInstanceIdentifier": "m"});
    world
        .call(&admin, "rds", "ModifyDBInstance", with(id.clone(), json!({"RotateMasterUserPassword": true})))
        .unwrap();
    assert_ne!(value().unwrap(), first);
    assert_eq!(node(&world, "m").unwrap().master_version, 2);
    let own = json!({"MasterUserPassword": "my-own-password"});
    let refused = world.call(&admin, "rds", "ModifyDBInstance", with(id.clone(), own)).unwrap_err();
    assert_eq!(refused.code, "InvalidDBInstanceState");
    come_up(&world, "m");
    world.call(&admin, "rds", "DeleteDBInstance", with(id, json!({"SkipFinalSnapshot": true}))).unwrap();
    assert_eq!(value().unwrap_err().code, "ResourceNotFoundException");
}

#[test]
fn encryption_needs_the_key_now_and_later() {
    let world = world();
    let admin = world.admin();
    let key = world.call(&admin, "kms", "CreateKey", json!({})).unwrap()["KeyMetadata"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let encrypted = |id: &str| with(basic(id), json!({"StorageEncrypted": true, "KmsKeyId": key}));
    let allow = |actions: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
        )
    };
    let seer = world.user("seer", Some(&allow(r#""rds:*","kms:DescribeKey""#)));
    assert_eq!(create(&world, &seer, encrypted("e")).unwrap_err(), "AccessDeniedException");
    let granter = world.user("granter", Some(&allow(r#""rds:*","kms:CreateGrant""#)));
    assert_eq!(create(&world, &granter, encrypted("e")).unwrap_err(), "AccessDeniedException");
    let both = world.user("both", Some(&allow(r#""rds:*","kms:CreateGrant","kms:DescribeKey""#)));
    assert_eq!(create(&world, &both, encrypted("e")).unwrap()["KmsKeyId"], key.as_str());
    come_up(&world, "e");
    let serves = || node(&world, "e").unwrap().serves(&world.estate.snapshot());
    assert!(serves());
    world.call(&admin, "kms", "DisableKey", json!({"KeyId": key})).unwrap();
    assert!(!serves());
    assert_eq!(create(&world, &both, encrypted("e2")).unwrap_err(), "KMSKeyNotAccessibleFault");
    report(&world, "EngineReport", "e", json!({"event": "key-lost"}));
    let id = json!({"DBInstanceIdentifier": "e"});
    let start = || world.call(&admin, "rds", "StartDBInstance", id.clone()).map_err(|f| f.code.into_owned());
    assert_eq!(start().unwrap_err(), "KMSKeyNotAccessibleFault");
    world.call(&admin, "kms", "EnableKey", json!({"KeyId": key})).unwrap();
    start().unwrap();
    // Without a key of one's own it is the one that RDS makes.
    let own = create(&world, &admin, with(basic("own"), json!({"StorageEncrypted": true}))).unwrap();
    assert!(own["KmsKeyId"].as_str().unwrap().contains(":key/"));
}

#[test]
fn condition_keys_are_filled() {
    let world = world();
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"rds:*","Resource":"*"},
        {"Effect":"Deny","Action":"rds:CreateDBInstance","Resource":"*","Condition":{"Bool":{"rds:StorageEncrypted":"false"}}},
        {"Effect":"Deny","Action":"rds:CreateDBInstance","Resource":"*","Condition":{"StringNotEquals":{"rds:DatabaseEngine":"postgres"}}},
        {"Effect":"Deny","Action":"rds:CreateDBInstance","Resource":"*","Condition":{"Bool":{"rds:PubliclyAccessible":"true"}}},
        {"Effect":"Deny","Action":"rds:DeleteDBInstance","Resource":"*","Condition":{"StringEquals":{"rds:db-tag/stage":"prod"}}}]}"#;
    let user = world.user("u", Some(policy));
    let admin = world.admin();
    assert_eq!(create(&world, &user, basic("a")).unwrap_err(), "AccessDeniedException");
    let good = with(basic("a"), json!({"StorageEncrypted": true}));
    assert_eq!(
        create(&world, &user, with(good.clone(), json!({"PubliclyAccessible": true}))).unwrap_err(),
        "AccessDeniedException"
    );
    assert_eq!(
        create(&world, &user, with(good.clone(), json!({"Engine": "mysql"}))).unwrap_err(),
        "AccessDeniedException"
    );
    create(&world, &user, good).unwrap();
    let arn = node(&world, "a").unwrap().arn();
    world
        .call(
            &admin,
            "rds",
            "AddTagsToResource",
            json!({"ResourceName": arn, "Tags": [{"Key": "stage", "Value": "prod"}]}),
        )
        .unwrap();
    let skip = json!({"DBInstanceIdentifier": "a", "SkipFinalSnapshot": true});
    assert_eq!(
        world.call(&user, "rds", "DeleteDBInstance", skip.clone()).unwrap_err().code,
        "AccessDeniedException"
    );
    let listed = world.call(&admin, "rds", "ListTagsForResource", json!({"ResourceName": arn})).unwrap();
    assert_eq!(listed["TagList"], json!([{"Key": "stage", "Value": "prod"}]));
    world
        .call(&admin, "rds", "RemoveTagsFromResource", json!({"ResourceName": arn, "TagKeys": ["stage"]}))
        .unwrap();
    world.call(&user, "rds", "DeleteDBInstance", skip).unwrap();
}

fn networks(world: &World) {
    let put = |change| world.change(vec![change]);
    let (account, region) = (account(), REGION.to_owned());
    for (id, cidr) in [("vpc-1", "10.0.0.0/16"), ("vpc-2", "10.1.0.0/16")] {
        put(Change::Put(Arc::new(Vpc {
            account: account.clone(),
            region: region.clone(),
            id: id.to_owned(),
            cidrs: vec![cidr.to_owned()],
            ipv6_cidrs: vec![],
            tenancy: "default".to_owned(),
            dns_support: true,
            dns_hostnames: true,
            default: false,
            tags: Tags::new(),
        })));
        put(Change::Put(Arc::new(SecurityGroup {
            account: account.clone(),
            region: region.clone(),
            id: id.replace("vpc", "sg"),
            name: "db".to_owned(),
            description: String::new(),
            vpc: id.to_owned(),
            ingress: vec![],
            egress: vec![],
            tags: Tags::new(),
        })));
    }
    for (id, vpc, zone) in [
        ("subnet-a", "vpc-1", "us-east-1a"),
        ("subnet-b", "vpc-1", "us-east-1b"),
        ("subnet-c", "vpc-1", "us-east-1a"),
        ("subnet-x", "vpc-2", "us-east-1b"),
    ] {
        put(Change::Put(Arc::new(Subnet {
            account: account.clone(),
            region: region.clone(),
            id: id.to_owned(),
            vpc: vpc.to_owned(),
            cidr: "10.0.0.0/24".to_owned(),
            ipv6_cidr: None,
            zone: zone.to_owned(),
            map_public_ip: false,
            default_for_zone: false,
            tags: Tags::new(),
        })));
    }
}

#[test]
fn an_instance_stands_in_its_network() {
    let world = world();
    networks(&world);
    let admin = world.admin();
    let group = |subnets: Json| {
        let input =
            json!({"DBSubnetGroupName": "Data", "DBSubnetGroupDescription": "d", "SubnetIds": subnets});
        world.call(&admin, "rds", "CreateDBSubnetGroup", input).map_err(|f| f.code.into_owned())
    };
    assert_eq!(group(json!(["subnet-a", "subnet-c"])).unwrap_err(), "DBSubnetGroupDoesNotCoverEnoughAZs");
    assert_eq!(group(json!(["subnet-a", "subnet-x"])).unwrap_err(), "InvalidSubnet");
    assert_eq!(group(json!(["subnet-a", "subnet-none"])).unwrap_err(), "InvalidSubnet");
    group(json!(["subnet-a", "subnet-b"])).unwrap();
    assert_eq!(group(json!(["subnet-a", "subnet-b"])).unwrap_err(), "DBSubnetGroupAlreadyExists");
    let placed =
        |groups: Json| with(basic("n"), json!({"DBSubnetGroupName": "data", "VpcSecurityGroupIds": groups}));
    assert_eq!(create(&world, &admin, placed(json!(["sg-2"]))).unwrap_err(), "InvalidParameterCombination");
    let made = create(&world, &admin, placed(json!(["sg-1"]))).unwrap();
    assert_eq!(
        (made["DBSubnetGroup"]["VpcId"].as_str(), made["AvailabilityZone"].as_str()),
        (Some("vpc-1"), Some("us-east-1a"))
    );
    let delete = || world.call(&admin, "rds", "DeleteDBSubnetGroup", json!({"DBSubnetGroupName": "data"}));
    assert_eq!(delete().unwrap_err().code, "InvalidDBSubnetGroupStateFault");
    world
        .call(
            &admin,
            "rds",
            "DeleteDBInstance",
            json!({"DBInstanceIdentifier": "n", "SkipFinalSnapshot": true}),
        )
        .unwrap();
    delete().unwrap();
}

#[test]
fn parameters_come_into_effect() {
    let world = world();
    let admin = world.admin();
    let call = |operation: &str, input: Json| {
        world.call(&admin, "rds", operation, input).map_err(|f| f.code.into_owned())
    };
    let group =
        json!({"DBParameterGroupName": "strict", "DBParameterGroupFamily": "postgres15", "Description": "d"});
    call("CreateDBParameterGroup", group).unwrap();
    let set = |name: &str, value: &str, method: &str| {
        let parameters = json!([{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}]);
        call("ModifyDBParameterGroup", json!({"DBParameterGroupName": "strict", "Parameters": parameters}))
    };
    assert_eq!(
        set("shared_preload_libraries", "evil", "pending-reboot").unwrap_err(),
        "InvalidParameterValue"
    );
    assert_eq!(set("work_mem", "1", "immediate").unwrap_err(), "InvalidParameterValue");
    assert_eq!(set("max_connections", "50", "immediate").unwrap_err(), "InvalidParameterCombination");
    let wrong = with(basic("p"), json!({"DBParameterGroupName": "strict", "EngineVersion": "16"}));
    assert_eq!(create(&world, &admin, wrong).unwrap_err(), "InvalidParameterCombination");
    create(
        &world,
        &admin,
        with(basic("p"), json!({"DBParameterGroupName": "strict", "EngineVersion": "15"})),
    )
    .unwrap();
    come_up(&world, "p");
    assert!(node(&world, "p").unwrap().force_ssl());
    set("rds.force_ssl", "0", "immediate").unwrap();
    set("max_connections", "50", "pending-reboot").unwrap();
    let instance = node(&world, "p").unwrap();
    assert!(
        !instance.force_ssl()
            && instance.pending_reboot
            && !instance.parameters.contains_key("max_connections")
    );
    come_up(&world, "p");
    call("RebootDBInstance", json!({"DBInstanceIdentifier": "p"})).unwrap();
    assert_eq!(node(&world, "p").unwrap().parameters["max_connections"], "50");
    assert_eq!(
        call("DeleteDBParameterGroup", json!({"DBParameterGroupName": "strict"})).unwrap_err(),
        "InvalidDBParameterGroupState"
    );
    call("ResetDBParameterGroup", json!({"DBParameterGroupName": "strict", "ResetAllParameters": true}))
        .unwrap();
    assert!(node(&world, "p").unwrap().force_ssl());
    assert_eq!(
        call(
            "ModifyDBParameterGroup",
            json!({"DBParameterGroupName": "default.postgres15", "Parameters": []})
        )
        .unwrap_err(),
        "DBParameterGroupNotFound"
    );
}
