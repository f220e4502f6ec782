//! Clusters: names for groups of services and tasks. All capacity is Fargate's: this machine.

use std::collections::BTreeMap;

use model::estate::ecs::{CapacityShare, Cluster, Service, Task};
use model::{Fault, Tx};

use crate::fault::{client, invalid, no_cluster, unserved};
use crate::shapes::{self, *};
use crate::{name, tags};

const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// A cluster that is in use.
pub(crate) fn find(tx: &Tx<'_>, given: Option<&str>) -> Result<Cluster, Fault> {
    let found = tx.find::<Cluster>(name::cluster(given)).filter(|c| c.status == "ACTIVE");
    found.cloned().ok_or_else(no_cluster)
}

fn settings(given: Option<Vec<ClusterSetting>>) -> Result<BTreeMap<String, String>, Fault> {
    let mut settings = BTreeMap::from([("containerInsights".to_owned(), "disabled".to_owned())]);
    for setting in given.unwrap_or_default() {
        let (name, value) = (setting.name.unwrap_or_default(), setting.value.unwrap_or_default());
        if name != "containerInsights" {
            return Err(invalid(format!("Setting `{name}` is not valid.")));
        }
        if value != "disabled" {
            return Err(unserved("Container Insights is"));
        }
        settings.insert(name, value);
    }
    Ok(settings)
}

pub(crate) fn strategy(
    given: Option<Vec<CapacityProviderStrategyItem>>,
) -> Result<Vec<CapacityShare>, Fault> {
    let mut shares = Vec::new();
    for item in given.unwrap_or_default() {
        if !PROVIDERS.contains(&item.capacity_provider.as_str()) {
            return Err(invalid(
                "The specified capacity provider was not found. Specify a valid name or ARN and try again.",
            ));
        }
        let share = CapacityShare {
            provider: item.capacity_provider,
            weight: item.weight.unwrap_or(0),
            base: item.base.unwrap_or(0),
        };
        if !(0..=1000).contains(&share.weight) || !(0..=100_000).contains(&share.base) {
            return Err(invalid(
                "A capacity provider strategy has a weight of 0 to 1000 and a base of 0 to 100000.",
            ));
        }
        shares.push(share);
    }
    if !shares.is_empty() && shares.iter().all(|s| s.weight == 0) {
        return Err(invalid("At least one capacity provider must have a weight greater than 0."));
    }
    Ok(shares)
}

pub(crate) fn strategy_shown(shares: &[CapacityShare]) -> Vec<CapacityProviderStrategyItem> {
    let item = |s: &CapacityShare| CapacityProviderStrategyItem {
        capacity_provider: s.provider.clone(),
        weight: Some(s.weight),
        base: Some(s.base),
    };
    shares.iter().map(item).collect()
}

fn providers(given: Option<Vec<String>>) -> Result<Vec<String>, Fault> {
    let given = given.unwrap_or_default();
    match given.iter().find(|p| !PROVIDERS.contains(&p.as_str())) {
        Some(other) => Err(invalid(format!(
            "The capacity provider `{other}` is not served by this runtime, which has FARGATE and FARGATE_SPOT."
        ))),
        None => Ok(given),
    }
}

/// Execution logging and storage settings belong to ExecuteCommand and managed storage.
fn plain(
    configuration: Option<ClusterConfiguration>,
    connect: Option<ClusterServiceConnectDefaultsRequest>,
) -> Result<(), Fault> {
    match (configuration, connect) {
        (Some(_), _) => Err(unserved("cluster configurations for ExecuteCommand and managed storage are")),
        (_, Some(_)) => Err(unserved("Service Connect is")),
        (None, None) => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>
pub(crate) fn create_cluster(
    tx: &mut Tx<'_>,
    input: CreateClusterRequest,
) -> Result<CreateClusterResponse, Fault> {
    let name = input.cluster_name.unwrap_or_else(|| "default".to_owned());
    if !name::plain(&name) {
        return Err(invalid("Cluster names may have letters, numbers, hyphens and underscores, up to 255."));
    }
    plain(input.configuration, input.service_connect_defaults)?;
    // A second creation gives the cluster that is there.
    let cluster = match tx.find::<Cluster>(&name).filter(|c| c.status == "ACTIVE") {
        Some(cluster) => cluster.clone(),
        None => {
            let cluster = Cluster {
                account: tx.account.clone(),
                region: tx.region.clone(),
                name,
                status: "ACTIVE".to_owned(),
                settings: settings(input.settings)?,
                capacity_providers: providers(input.capacity_providers)?,
                default_strategy: strategy(input.default_capacity_provider_strategy)?,
                created: tx.now,
                tags: tags::checked(input.tags)?,
            };
            tx.put(cluster.clone())?;
            cluster
        }
    };
    Ok(CreateClusterResponse { cluster: Some(shape(tx, &cluster, true)) })
}

fn tasks<'t>(tx: &'t Tx<'_>, cluster: &'t str) -> impl Iterator<Item = &'t Task> {
    tx.list::<Task>().filter(move |t| t.cluster == cluster && t.status != "STOPPED")
}

fn services<'t>(tx: &'t Tx<'_>, cluster: &'t str) -> impl Iterator<Item = &'t Service> {
    tx.list::<Service>().filter(move |s| s.cluster == cluster && s.status != "INACTIVE")
}

fn count(number: usize) -> Option<i64> {
    i64::try_from(number).ok()
}

fn shape(tx: &Tx<'_>, cluster: &Cluster, with_tags: bool) -> shapes::Cluster {
    let setting = |(name, value): (&String, &String)| ClusterSetting {
        name: Some(name.clone()),
        value: Some(value.clone()),
    };
    let running = tasks(tx, &cluster.name).filter(|t| t.status == "RUNNING").count();
    shapes::Cluster {
        cluster_arn: Some(cluster.arn()),
        cluster_name: Some(cluster.name.clone()),
        status: Some(cluster.status.clone()),
        registered_container_instances_count: Some(0),
        running_tasks_count: count(running),
        pending_tasks_count: count(tasks(tx, &cluster.name).count() - running),
        active_services_count: count(services(tx, &cluster.name).count()),
        statistics: Some(Vec::new()),
        tags: Some(if with_tags { tags::shown(&cluster.tags) } else { Vec::new() }),
        settings: Some(cluster.settings.iter().map(setting).collect()),
        capacity_providers: Some(cluster.capacity_providers.clone()),
        default_capacity_provider_strategy: Some(strategy_shown(&cluster.default_strategy)),
        ..shapes::Cluster::default()
    }
}

pub(crate) fn describe_clusters(
    tx: &mut Tx<'_>,
    input: DescribeClustersRequest,
) -> Result<DescribeClustersResponse, Fault> {
    let wanted = input.clusters.filter(|c| !c.is_empty()).unwrap_or_else(|| vec!["default".to_owned()]);
    let with_tags = input.include.unwrap_or_default().iter().any(|i| i == "TAGS");
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        match tx.find::<Cluster>(name::short(&given)) {
            Some(cluster) => clusters.push(shape(tx, cluster, with_tags)),
            None => {
                let arn = model::ids::arn(
                    "ecs",
                    &tx.region,
                    &tx.account,
                    &format!("cluster/{}", name::short(&given)),
                );
                failures.push(Failure { arn: Some(arn), reason: Some("MISSING".to_owned()), detail: None });
            }
        }
    }
    Ok(DescribeClustersResponse { clusters: Some(clusters), failures: Some(failures) })
}

pub(crate) fn list_clusters(
    tx: &mut Tx<'_>,
    input: ListClustersRequest,
) -> Result<ListClustersResponse, Fault> {
    let own = tx.list::<Cluster>().filter(|c| c.status == "ACTIVE").map(Cluster::arn).collect();
    let (cluster_arns, next_token) = name::page(own, input.next_token.as_deref(), input.max_results)?;
    Ok(ListClustersResponse { cluster_arns: Some(cluster_arns), next_token })
}

pub(crate) fn delete_cluster(
    tx: &mut Tx<'_>,
    input: DeleteClusterRequest,
) -> Result<DeleteClusterResponse, Fault> {
    let mut cluster = find(tx, Some(&input.cluster))?;
    if services(tx, &cluster.name).next().is_some() {
        return Err(Fault::client(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        ));
    }
    if tasks(tx, &cluster.name).next().is_some() {
        return Err(Fault::client(
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        ));
    }
    cluster.status = "INACTIVE".to_owned();
    tx.put(cluster.clone())?;
    Ok(DeleteClusterResponse { cluster: Some(shape(tx, &cluster, true)) })
}

pub(crate) fn update_cluster(
    tx: &mut Tx<'_>,
    input: UpdateClusterRequest,
) -> Result<UpdateClusterResponse, Fault> {
    let mut cluster = find(tx, Some(&input.cluster))?;
    plain(input.configuration, input.service_connect_defaults)?;
    if input.settings.is_some() {
        cluster.settings = settings(input.settings)?;
    }
    tx.put(cluster.clone())?;
    Ok(UpdateClusterResponse { cluster: Some(shape(tx, &cluster, true)) })
}

pub(crate) fn update_cluster_settings(
    tx: &mut Tx<'_>,
    input: UpdateClusterSettingsRequest,
) -> Result<UpdateClusterSettingsResponse, Fault> {
    let mut cluster = find(tx, Some(&input.cluster))?;
    cluster.settings = settings(Some(input.settings))?;
    tx.put(cluster.clone())?;
    Ok(UpdateClusterSettingsResponse { cluster: Some(shape(tx, &cluster, true)) })
}

pub(crate) fn put_cluster_capacity_providers(
    tx: &mut Tx<'_>,
    input: PutClusterCapacityProvidersRequest,
) -> Result<PutClusterCapacityProvidersResponse, Fault> {
    let mut cluster = find(tx, Some(&input.cluster))?;
    cluster.capacity_providers = providers(Some(input.capacity_providers))?;
    cluster.default_strategy = strategy(Some(input.default_capacity_provider_strategy))?;
    if let Some(share) =
        cluster.default_strategy.iter().find(|s| !cluster.capacity_providers.contains(&s.provider))
    {
        return Err(client(format!(
            "The capacity provider {} of the strategy is not one of the cluster's.",
            share.provider
        )));
    }
    tx.put(cluster.clone())?;
    Ok(PutClusterCapacityProvidersResponse { cluster: Some(shape(tx, &cluster, true)) })
}

pub(crate) fn describe_capacity_providers(
    tx: &mut Tx<'_>,
    input: DescribeCapacityProvidersRequest,
) -> Result<DescribeCapacityProvidersResponse, Fault> {
    let wanted = input.capacity_providers.unwrap_or_default();
    let arn =
        |name: &str| model::ids::arn("ecs", &tx.region, &tx.account, &format!("capacity-provider/{name}"));
    let known = PROVIDERS
        .iter()
        .filter(|p| wanted.is_empty() || wanted.iter().any(|w| name::short(w) == **p))
        .map(|p| CapacityProvider {
            capacity_provider_arn: Some(arn(p)),
            name: Some((*p).to_owned()),
            status: Some("ACTIVE".to_owned()),
            tags: Some(Vec::new()),
            ..CapacityProvider::default()
        });
    let missing = wanted.iter().filter(|w| !PROVIDERS.contains(&name::short(w))).map(|w| Failure {
        arn: Some(arn(name::short(w))),
        reason: Some("MISSING".to_owned()),
        detail: None,
    });
    Ok(DescribeCapacityProvidersResponse {
        capacity_providers: Some(known.collect()),
        failures: Some(missing.collect()),
        next_token: None,
    })
}

/// What this runtime does, as account settings: none of it can be changed.
const SETTINGS: &[(&str, &str)] = &[
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("dualStackIPv6", "disabled"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "on"),
    ("taskLongArnFormat", "enabled"),
];

pub(crate) fn list_account_settings(
    tx: &mut Tx<'_>,
    input: ListAccountSettingsRequest,
) -> Result<ListAccountSettingsResponse, Fault> {
    let principal = format!("arn:aws:iam::{}:root", tx.account);
    let effective = input.effective_settings == Some(true);
    let wanted = |name: &str, value: &str| {
        effective
            && input.name.as_deref().is_none_or(|n| n == name)
            && input.value.as_deref().is_none_or(|v| v == value)
    };
    let settings = SETTINGS.iter().filter(|(n, v)| wanted(n, v)).map(|(name, value)| Setting {
        name: Some((*name).to_owned()),
        value: Some((*value).to_owned()),
        principal_arn: Some(principal.clone()),
        r#type: Some("user".to_owned()),
    });
    Ok(ListAccountSettingsResponse { settings: Some(settings.collect()), next_token: None })
}
