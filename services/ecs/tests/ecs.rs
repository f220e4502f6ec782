//! Task definitions, tasks and services through their operations, with `act` played by the tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails the test"
)]

mod world;

use harness::ACCOUNT;
use model::estate::ec2::NetworkInterface;
use serde_json::{Value as Json, json};
use world::{GROUP, Scene, code, definition};

#[test]
fn definitions_are_checked() {
    let scene = Scene::new();
    let with = |member: &str, value: Json| {
        let mut container = definition()["containerDefinitions"][0].clone();
        container[member] = value;
        json!({"containerDefinitions": [container]})
    };
    for refused in [
        json!({"family": "not valid"}),
        json!({"networkMode": "bridge"}),
        json!({"memory": "600"}),
        json!({"cpu": null}),
        json!({"containerDefinitions": []}),
        json!({"volumes": [{"name": "v"}]}),
        json!({"taskRoleArn": "arn:aws:iam::111122223333:user/alice"}),
        with("image", json!("")),
        with("essential", json!(false)),
        with("privileged", json!(true)),
        with("cpu", json!(512)),
        with("portMappings", json!([{"containerPort": 8443, "hostPort": 80}])),
        with("healthCheck", json!({"command": ["curl"]})),
        with("healthCheck", json!({"command": ["CMD", "x"], "interval": 1})),
        with("stopTimeout", json!(600)),
        with("ulimits", json!([{"name": "core", "softLimit": 1, "hardLimit": 1}])),
        with("logConfiguration", json!({"logDriver": "splunk"})),
        with(
            "logConfiguration",
            json!({"logDriver": "awslogs", "options": {"awslogs-group": "/g", "awslogs-region": "us-east-1"}}),
        ),
        with("dependsOn", json!([{"containerName": "gone", "condition": "START"}])),
        with("secrets", json!([{"name": "TOKEN", "valueFrom": "arn"}])),
        with("mountPoints", json!([{"sourceVolume": "v", "containerPath": "/x"}])),
    ] {
        let outcome = scene.register(refused.clone());
        let fault = outcome.expect_err(&refused.to_string());
        assert!(
            ["ClientException", "InvalidParameterException"].contains(&fault.code.as_ref()),
            "{refused}: {fault}"
        );
    }
    let circle = json!({"containerDefinitions": [
        {"name": "a", "image": "a", "dependsOn": [{"containerName": "b", "condition": "START"}]},
        {"name": "b", "image": "b", "dependsOn": [{"containerName": "a", "condition": "START"}]},
    ]});
    assert_eq!(code(scene.register(circle)), "ClientException");
}

#[test]
fn revisions_are_kept_and_their_environment_is_sealed() {
    let scene = Scene::new();
    let first = scene.register(json!({})).unwrap();
    assert_eq!(first["taskDefinition"]["revision"], 1);
    assert_eq!(first["taskDefinition"]["containerDefinitions"][0]["portMappings"][0]["protocol"], "tcp");
    let second = scene.register(json!({"cpu": ".5 vCPU", "memory": "1 GB"})).unwrap();
    assert_eq!(
        (&second["taskDefinition"]["cpu"], &second["taskDefinition"]["memory"]),
        (&json!("512"), &json!("1024"))
    );
    let newest = scene.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web"})).unwrap();
    assert_eq!(newest["taskDefinition"]["revision"], 2);
    assert_eq!(
        newest["taskDefinition"]["containerDefinitions"][0]["environment"][0]["value"],
        "very-secret-value"
    );
    scene.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "web:2"})).unwrap();
    let newest = scene.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web"})).unwrap();
    assert_eq!(newest["taskDefinition"]["revision"], 1);
    let run = json!({"cluster": "shop", "taskDefinition": "web:2", "launchType": "FARGATE", "networkConfiguration": scene.network()});
    assert_eq!(code(scene.ecs("RunTask", run)), "ClientException");
    let deleted = scene.ecs("DeleteTaskDefinitions", json!({"taskDefinitions": ["web:1", "web:2"]})).unwrap();
    assert_eq!(deleted["failures"].as_array().unwrap().len(), 1);
    let nodes: Vec<String> = scene.world.estate.snapshot().nodes().map(|n| n.to_json().to_string()).collect();
    assert!(nodes.iter().all(|n| !n.contains("very-secret-value")));
    use model::Host as _;
    let events = &mut |_, event| {
        assert!(!serde_json::to_string(&event).unwrap().contains("very-secret-value"));
        true
    };
    scene.world.estate.events(events).unwrap();
}

#[test]
fn a_task_has_an_interface_for_its_life() {
    let scene = Scene::new();
    scene.register(json!({})).unwrap();
    let run = |more: Json| {
        let mut input = json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": scene.network()});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        scene.ecs("RunTask", input)
    };
    for (refused, expected) in [
        (json!({"launchType": null}), "InvalidParameterException"),
        (json!({"cluster": "gone"}), "ClusterNotFoundException"),
        (json!({"taskDefinition": "gone"}), "ClientException"),
        (json!({"networkConfiguration": null}), "InvalidParameterException"),
        (
            json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}}),
            "InvalidParameterException",
        ),
        (
            json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": scene.subnets, "assignPublicIp": "ENABLED"}}}),
            "InvalidParameterException",
        ),
        (json!({"overrides": {"containerOverrides": [{"name": "gone"}]}}), "InvalidParameterException"),
        (json!({"count": 11}), "InvalidParameterException"),
        (json!({"enableExecuteCommand": true}), "InvalidParameterException"),
    ] {
        assert_eq!(code(run(refused.clone())), expected, "{refused}");
    }
    let made =
        run(json!({"overrides": {"containerOverrides": [{"name": "web", "command": ["x"]}]}})).unwrap();
    let details = &made["tasks"][0]["attachments"][0]["details"];
    let eni = details[1]["value"].as_str().unwrap().to_owned();
    let interface =
        |id: &str| scene.world.estate.snapshot().all::<NetworkInterface>().find(|i| i.id == id).cloned();
    assert_eq!(interface(&eni).unwrap().requester.as_deref(), Some("amazon-ecs"));
    assert_eq!(interface(&eni).unwrap().groups, std::slice::from_ref(&scene.group));
    let task = scene.tasks()[0].clone();
    scene.observe(&task, json!({"status": "RUNNING", "containers": [{"name": "web", "status": "RUNNING"}]}));
    let arn = json!({"cluster": "shop", "tasks": [made["tasks"][0]["taskArn"]]});
    let seen = scene.ecs("DescribeTasks", arn.clone()).unwrap();
    assert_eq!(seen["tasks"][0]["lastStatus"], "RUNNING");
    let stopped = scene
        .ecs("StopTask", json!({"cluster": "shop", "task": task.short_id(), "reason": "enough"}))
        .unwrap();
    assert_eq!(
        (&stopped["task"]["desiredStatus"], &stopped["task"]["stopCode"]),
        (&json!("STOPPED"), &json!("UserInitiated"))
    );
    assert!(interface(&eni).is_some());
    scene.observe(&task, json!({"status": "STOPPED", "containers": [{"name": "web", "exitCode": 143}]}));
    assert!(interface(&eni).is_none());
    let seen = scene.ecs("DescribeTasks", arn).unwrap();
    assert_eq!(seen["tasks"][0]["stoppedReason"], "enough");
    assert_eq!(seen["tasks"][0]["containers"][0]["exitCode"], 143);
}

#[test]
fn roles_are_passed_on_only_by_those_who_may() {
    let scene = Scene::new();
    let policy = |more: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ecs:*","Resource":"*"}}{more}]}}"#
        )
    };
    let plain = scene.world.user("plain", Some(&policy("")));
    assert_eq!(
        code(scene.world.call(&plain, "ecs", "RegisterTaskDefinition", definition())),
        "AccessDeniedException"
    );
    let pass = |service: &str| {
        policy(&format!(
            r#",{{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::{ACCOUNT}:role/start","Condition":{{"StringEquals":{{"iam:PassedToService":"{service}"}}}}}}"#
        ))
    };
    let other = scene.world.user("other", Some(&pass("lambda.amazonaws.com")));
    assert_eq!(
        code(scene.world.call(&other, "ecs", "RegisterTaskDefinition", definition())),
        "AccessDeniedException"
    );
    let passing = scene.world.user("passing", Some(&pass("ecs-tasks.amazonaws.com")));
    scene.world.call(&passing, "ecs", "RegisterTaskDefinition", definition()).unwrap();
    let run = |role: &str| {
        json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": scene.network(),
        "overrides": {"taskRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}")}})
    };
    assert_eq!(code(scene.world.call(&plain, "ecs", "RunTask", run("start"))), "AccessDeniedException");
    assert_eq!(code(scene.world.call(&passing, "ecs", "RunTask", run("admin"))), "AccessDeniedException");
    scene.world.call(&passing, "ecs", "RunTask", run("start")).unwrap();
}

#[test]
fn a_service_keeps_its_tasks_and_spreads_them() {
    let scene = Scene::new();
    scene.register(json!({})).unwrap();
    scene.service(json!({})).unwrap();
    assert_eq!(code(scene.service(json!({}))), "InvalidParameterException");
    let zones: std::collections::BTreeSet<String> =
        scene.tasks().into_iter().map(|t| t.interface.zone).collect();
    assert_eq!(zones.len(), 2);
    assert_eq!(scene.describe()["deployments"][0]["rolloutState"], "IN_PROGRESS");
    scene.settle();
    let seen = scene.describe();
    assert_eq!(
        (&seen["deployments"][0]["rolloutState"], &seen["runningCount"]),
        (&json!("COMPLETED"), &json!(2))
    );
    assert!(seen["events"][0]["message"].as_str().unwrap().ends_with("has reached a steady state."));
    // One dies; another takes its place.
    let dead = scene.tasks()[0].clone();
    scene.observe(&dead, json!({"status": "STOPPED", "stopCode": "EssentialContainerExited", "stopReason": "Essential container in task exited"}));
    let now = scene.tasks();
    assert!(now.len() == 2 && now.iter().all(|t| t.id != dead.id));
    scene.settle();
    // One is unhealthy; it is stopped, and replaced.
    let sick = scene.tasks()[0].clone();
    scene.observe(&sick, json!({"containers": [{"name": "web", "health": "UNHEALTHY"}]}));
    let now = scene.tasks();
    assert!(now.len() == 2 && now.iter().all(|t| t.id != sick.id));
    scene.settle();
    scene.ecs("UpdateService", json!({"cluster": "shop", "service": "web", "desiredCount": 1})).unwrap();
    assert_eq!(scene.tasks().len(), 1);
    let delete = |force: bool| {
        scene.ecs("DeleteService", json!({"cluster": "shop", "service": "web", "force": force}))
    };
    assert_eq!(code(delete(false)), "InvalidParameterException");
    assert_eq!(delete(true).unwrap()["service"]["status"], "DRAINING");
    assert_eq!(
        code(scene.ecs("DeleteCluster", json!({"cluster": "shop"}))),
        "ClusterContainsServicesException"
    );
    scene.end_stopping();
    scene.look();
    assert_eq!(scene.describe()["status"], "INACTIVE");
    assert_eq!(scene.world.estate.snapshot().all::<NetworkInterface>().count(), 0);
    scene.ecs("DeleteCluster", json!({"cluster": "shop"})).unwrap();
}

#[test]
fn a_deployment_keeps_enough_tasks_healthy() {
    let scene = Scene::new();
    scene.register(json!({})).unwrap();
    scene
        .service(json!({"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 150}}))
        .unwrap();
    scene.settle();
    scene.register(json!({})).unwrap();
    let old: Vec<String> = scene.tasks().into_iter().map(|t| t.id).collect();
    scene
        .ecs("UpdateService", json!({"cluster": "shop", "service": "web", "taskDefinition": "web:2"}))
        .unwrap();
    let healthy_old = || scene.tasks().iter().filter(|t| old.contains(&t.id)).count();
    assert_eq!((scene.tasks().len(), healthy_old()), (3, 2));
    scene.look();
    assert_eq!((scene.tasks().len(), healthy_old()), (3, 2));
    // The new one is up: one of the old may go, and the next comes.
    scene.settle();
    assert_eq!((scene.tasks().len(), healthy_old()), (3, 1));
    for _ in 0..3 {
        scene.settle();
    }
    let seen = scene.describe();
    assert_eq!((seen["deployments"].as_array().unwrap().len(), healthy_old()), (1, 0));
    assert!(seen["taskDefinition"].as_str().unwrap().ends_with("web:2"));
    // The same once more without a change, because it is told to.
    scene
        .ecs("UpdateService", json!({"cluster": "shop", "service": "web", "forceNewDeployment": true}))
        .unwrap();
    assert_eq!(scene.describe()["deployments"].as_array().unwrap().len(), 2);
}

#[test]
fn a_broken_deployment_is_rolled_back() {
    let scene = Scene::new();
    scene.register(json!({})).unwrap();
    let breaker = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}, "desiredCount": 1});
    scene.service(breaker).unwrap();
    scene.settle();
    let good = scene.tasks()[0].id.clone();
    scene.register(json!({})).unwrap();
    scene
        .ecs("UpdateService", json!({"cluster": "shop", "service": "web", "taskDefinition": "web:2"}))
        .unwrap();
    let mut launches = 0;
    let begun = std::time::Instant::now();
    while scene.describe()["taskDefinition"].as_str().unwrap().ends_with("web:2") {
        if let Some(bad) = scene.tasks().iter().find(|t| t.id != good) {
            launches += 1;
            scene.observe(bad, json!({"status": "STOPPED", "stopCode": "TaskFailedToStart", "stopReason": "CannotPullContainerError"}));
        }
        scene.look();
        // What ran before stays up all the while.
        assert!(scene.tasks().iter().any(|t| t.id == good));
        assert!(begun.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(launches, 3);
    // The waits between the starts grew.
    assert!(begun.elapsed().as_secs() >= 2);
    scene.settle();
    scene.settle();
    let seen = scene.describe();
    assert!(seen["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    assert_eq!(seen["deployments"][0]["rolloutState"], "COMPLETED");
    let told = seen["events"].to_string();
    assert!(told.contains("rolling back to deployment"), "{told}");
}

#[test]
fn targets_decide_who_is_healthy() {
    let scene = Scene::new();
    scene.register(json!({})).unwrap();
    let balanced = |container: &str, port: i64| json!({"desiredCount": 1, "loadBalancers": [{"targetGroupArn": GROUP, "containerName": container, "containerPort": port}]});
    assert_eq!(code(scene.service(balanced("gone", 8443))), "InvalidParameterException");
    assert_eq!(code(scene.service(balanced("web", 80))), "InvalidParameterException");
    assert_eq!(code(scene.service(json!({"healthCheckGracePeriodSeconds": 5}))), "InvalidParameterException");
    scene.service(balanced("web", 8443)).unwrap();
    scene.settle();
    let task = scene.tasks()[0].clone();
    assert!(task.registered);
    assert_eq!(scene.describe()["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let judge = |state: &str| {
        scene
            .world
            .report("elbv2", "Judge", json!({"id": task.interface.private_ip, "state": state}))
            .unwrap();
        scene.look();
    };
    judge("healthy");
    assert_eq!(scene.describe()["deployments"][0]["rolloutState"], "COMPLETED");
    judge("unhealthy");
    let now = scene.tasks();
    assert!(now.iter().all(|t| t.id != task.id));
    let ended = scene
        .world
        .estate
        .snapshot()
        .all::<model::estate::ecs::Task>()
        .find(|t| t.id == task.id)
        .cloned()
        .unwrap();
    // It leaves the target group before it is ended.
    assert_eq!(ended.status, "DEACTIVATING");
    scene.world.report("ecs", "Drain", json!({"task": task.id})).unwrap();
    scene.end_stopping();
    let ended = scene
        .world
        .estate
        .snapshot()
        .all::<model::estate::ecs::Task>()
        .find(|t| t.id == task.id)
        .cloned()
        .unwrap();
    assert_eq!(ended.status, "STOPPED");
    assert!(ended.stop_reason.unwrap().starts_with("Task failed ELB health checks"));
}

#[test]
fn what_is_not_served_is_refused() {
    let scene = Scene::new();
    scene.register(json!({})).unwrap();
    for refused in [
        json!({"serviceConnectConfiguration": {"enabled": true}}),
        json!({"serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:us-east-1:111122223333:service/x"}]}),
        json!({"enableExecuteCommand": true}),
        json!({"deploymentController": {"type": "CODE_DEPLOY"}}),
        json!({"schedulingStrategy": "DAEMON"}),
        json!({"launchType": "EC2"}),
        json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}),
        json!({"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}}),
        json!({"platformVersion": "0.9"}),
        json!({"role": "arn:aws:iam::111122223333:role/x"}),
    ] {
        assert_eq!(code(scene.service(refused.clone())), "InvalidParameterException", "{refused}");
    }
    scene.service(json!({"serviceConnectConfiguration": {"enabled": false}})).unwrap();
}
