//! Repositories.

use model::{AccountId, Fault, Node, PolicyText, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::shapes::{self, *};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// `MUTABLE` or `IMMUTABLE`.
    pub(crate) mutability: String,
    pub(crate) scan_on_push: bool,
    pub(crate) policy: Option<PolicyText>,
    pub(crate) lifecycle: Option<String>,
    pub(crate) tags: Tags,
}

impl Node for Repository {
    const KIND: &'static str = "AWS::ECR::Repository";
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
        Some(arn(&self.region, &self.account, &self.name))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.policy.as_ref()
    }
}

pub(crate) fn arn(region: &str, account: &AccountId, name: &str) -> String {
    model::ids::arn("ecr", region, account, &format!("repository/{name}"))
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

fn missing(name: &str, registry: &AccountId) -> Fault {
    Fault::client(
        "RepositoryNotFoundException",
        format!("The repository with name '{name}' does not exist in the registry with id '{registry}'"),
    )
}

/// A repository of this registry, or of the one that is named.
pub(crate) fn find(tx: &Tx<'_>, registry: Option<&str>, name: &str) -> Result<Repository, Fault> {
    let registry = registry.and_then(AccountId::parse).unwrap_or_else(|| tx.account.clone());
    let found = tx.snapshot().find::<Repository>(&registry, &tx.region, name);
    found.cloned().ok_or_else(|| missing(name, &registry))
}

fn mutability(
    given: Option<String>,
    filters: Option<Vec<ImageTagMutabilityExclusionFilter>>,
) -> Result<String, Fault> {
    match given.as_deref() {
        _ if filters.is_some() => {
            Err(invalid("exclusions from tag mutability are not served by this runtime"))
        }
        None | Some("MUTABLE") => Ok("MUTABLE".to_owned()),
        Some("IMMUTABLE") => Ok("IMMUTABLE".to_owned()),
        Some(other) => Err(invalid(format!("tag mutability {other} is not served by this runtime"))),
    }
}

fn tags(given: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in given.unwrap_or_default() {
        let reserved = tag.key.starts_with("aws:") && !tag.key.starts_with("aws:cloudformation:");
        if tag.key.is_empty() || tag.key.chars().count() > 128 || reserved {
            return Err(Fault::client(
                "InvalidTagParameterException",
                "Invalid parameter at 'tags': the tag key is not valid",
            ));
        }
        tags.insert(tag.key, tag.value);
    }
    match tags.len() > 50 {
        true => Err(Fault::client("TooManyTagsException", "a repository has at most 50 tags")),
        false => Ok(tags),
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html>
pub(crate) fn create_repository(
    tx: &mut Tx<'_>,
    input: CreateRepositoryRequest,
) -> Result<CreateRepositoryResponse, Fault> {
    if input.registry_id.as_deref().is_some_and(|r| r != tx.account.as_str()) {
        return Err(invalid("repositories are made in one's own registry only"));
    }
    if input.encryption_configuration.as_ref().is_some_and(|e| e.encryption_type != "AES256") {
        return Err(invalid("repositories under a KMS key are not served by this runtime"));
    }
    if tx.find::<Repository>(&input.repository_name).is_some() {
        return Err(Fault::client(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{}' already exists in the registry with id '{}'",
                input.repository_name, tx.account
            ),
        ));
    }
    let scanning = input.image_scanning_configuration.and_then(|s| s.scan_on_push);
    let repository = Repository {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.repository_name,
        created: tx.now,
        mutability: mutability(input.image_tag_mutability, input.image_tag_mutability_exclusion_filters)?,
        scan_on_push: scanning == Some(true),
        policy: None,
        lifecycle: None,
        tags: tags(input.tags)?,
    };
    let shown = shape(&repository);
    tx.put(repository)?;
    Ok(CreateRepositoryResponse { repository: Some(shown) })
}

fn shape(repository: &Repository) -> shapes::Repository {
    let uri =
        format!("{}.dkr.ecr.{}.amazonaws.com/{}", repository.account, repository.region, repository.name);
    shapes::Repository {
        repository_arn: repository.arn(),
        registry_id: Some(repository.account.to_string()),
        repository_name: Some(repository.name.clone()),
        repository_uri: Some(uri),
        created_at: Some(repository.created),
        image_tag_mutability: Some(repository.mutability.clone()),
        image_scanning_configuration: Some(ImageScanningConfiguration {
            scan_on_push: Some(repository.scan_on_push),
        }),
        encryption_configuration: Some(EncryptionConfiguration {
            encryption_type: "AES256".to_owned(),
            kms_key: None,
        }),
        ..shapes::Repository::default()
    }
}

pub(crate) fn describe_repositories(
    tx: &mut Tx<'_>,
    input: DescribeRepositoriesRequest,
) -> Result<DescribeRepositoriesResponse, Fault> {
    let registry = input.registry_id.as_deref();
    if let Some(names) = input.repository_names {
        let found = names.iter().map(|n| find(tx, registry, n).map(|r| shape(&r)));
        return Ok(DescribeRepositoriesResponse {
            repositories: Some(found.collect::<Result<_, _>>()?),
            next_token: None,
        });
    }
    let account = registry.and_then(AccountId::parse).unwrap_or_else(|| tx.account.clone());
    let limit = input.max_results.and_then(|n| usize::try_from(n).ok()).unwrap_or(100);
    // The token is the last name shown; names need no disguise.
    let after = input.next_token;
    let mut found: Vec<Repository> = tx
        .snapshot()
        .list::<Repository>(&account, &tx.region)
        .filter(|r| after.as_ref().is_none_or(|a| r.name > *a))
        .take(limit + 1)
        .cloned()
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|r| r.name.clone());
    Ok(DescribeRepositoriesResponse { repositories: Some(found.iter().map(shape).collect()), next_token })
}

pub(crate) fn delete_repository(
    tx: &mut Tx<'_>,
    input: DeleteRepositoryRequest,
) -> Result<DeleteRepositoryResponse, Fault> {
    let repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    tx.remove(&repository)?;
    Ok(DeleteRepositoryResponse { repository: Some(shape(&repository)) })
}

pub(crate) fn put_image_tag_mutability(
    tx: &mut Tx<'_>,
    input: PutImageTagMutabilityRequest,
) -> Result<PutImageTagMutabilityResponse, Fault> {
    let mut repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    repository.mutability =
        mutability(Some(input.image_tag_mutability), input.image_tag_mutability_exclusion_filters)?;
    let answer = PutImageTagMutabilityResponse {
        registry_id: Some(repository.account.to_string()),
        repository_name: Some(repository.name.clone()),
        image_tag_mutability: Some(repository.mutability.clone()),
        image_tag_mutability_exclusion_filters: None,
    };
    tx.put(repository)?;
    Ok(answer)
}

pub(crate) fn put_image_scanning_configuration(
    tx: &mut Tx<'_>,
    input: PutImageScanningConfigurationRequest,
) -> Result<PutImageScanningConfigurationResponse, Fault> {
    let mut repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    repository.scan_on_push = input.image_scanning_configuration.scan_on_push == Some(true);
    let answer = PutImageScanningConfigurationResponse {
        registry_id: Some(repository.account.to_string()),
        repository_name: Some(repository.name.clone()),
        image_scanning_configuration: Some(input.image_scanning_configuration),
    };
    tx.put(repository)?;
    Ok(answer)
}

fn tagged(tx: &Tx<'_>, arn: &str) -> Result<Repository, Fault> {
    let name = arn.split_once(":repository/").map_or(arn, |(_, name)| name);
    tx.find_arn::<Repository>(arn).cloned().ok_or_else(|| missing(name, &tx.account))
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<TagResourceResponse, Fault> {
    let mut repository = tagged(tx, &input.resource_arn)?;
    repository.tags.extend(tags(Some(input.tags))?);
    if repository.tags.len() > 50 {
        return Err(Fault::client("TooManyTagsException", "a repository has at most 50 tags"));
    }
    tx.put(repository)?;
    Ok(TagResourceResponse::default())
}

pub(crate) fn untag_resource(
    tx: &mut Tx<'_>,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Fault> {
    let mut repository = tagged(tx, &input.resource_arn)?;
    repository.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(repository)?;
    Ok(UntagResourceResponse::default())
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Fault> {
    let repository = tagged(tx, &input.resource_arn)?;
    let tags = repository.tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}
