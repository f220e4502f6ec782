//! `AWS::AccessAnalyzer::Analyzer` in CloudFormation, with its archive rules.

use model::{Deploy, Fault, Physical, Resource, Tx};
use serde_json::{Map, Value as Json, json};

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::AccessAnalyzer::Analyzer", create, update, delete, ready: None }];

const SERVICE: &str = "accessanalyzer";

/// Rules by name, their filters as the API has them.
fn rules(properties: &Json) -> Map<String, Json> {
    let list = properties.get("ArchiveRules").and_then(Json::as_array);
    let rule = |rule: &Json| {
        let name = rule.get("RuleName")?.as_str()?.to_owned();
        let criteria = rule.get("Filter").and_then(Json::as_array).into_iter().flatten();
        let filter: Map<String, Json> = criteria.filter_map(criterion).collect();
        Some((name, Json::Object(filter)))
    };
    list.into_iter().flatten().filter_map(rule).collect()
}

/// The configuration as the API has it.
fn configuration(properties: &Json) -> Json {
    if let Some(internal) = properties.pointer("/AnalyzerConfiguration/InternalAccessConfiguration") {
        return json!({"internalAccess": inclusions(internal)});
    }
    let Some(unused) = properties.pointer("/AnalyzerConfiguration/UnusedAccessConfiguration") else {
        return Json::Null;
    };
    let exclusions = unused.pointer("/AnalysisRule/Exclusions").and_then(Json::as_array);
    let tags = |list: &Json| {
        let tags = model::service::tags_of(&model::Value::from_json(list.clone()));
        json!(tags)
    };
    let exclusion = |one: &Json| {
        let lists = one.get("ResourceTags").and_then(Json::as_array);
        let lists = lists.map(|lists| lists.iter().map(tags).collect::<Vec<_>>());
        without_nulls(json!({"accountIds": one.get("AccountIds"), "resourceTags": lists}))
    };
    let exclusions =
        exclusions.map(|list| json!({"exclusions": list.iter().map(exclusion).collect::<Vec<_>>()}));
    let unused = json!({"unusedAccessAge": unused.get("UnusedAccessAge"), "analysisRule": exclusions});
    json!({"unusedAccess": without_nulls(unused)})
}

fn inclusions(internal: &Json) -> Json {
    let list = internal.pointer("/InternalAccessAnalysisRule/Inclusions").and_then(Json::as_array);
    let inclusion = |one: &Json| {
        without_nulls(json!({
            "accountIds": one.get("AccountIds"),
            "resourceTypes": one.get("ResourceTypes"),
            "resourceArns": one.get("ResourceArns"),
        }))
    };
    let list: Vec<Json> = list.into_iter().flatten().map(inclusion).collect();
    json!({"analysisRule": {"inclusions": list}})
}

fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).collect(),
        other => other,
    }
}

fn criterion(given: &Json) -> Option<(String, Json)> {
    const OPERATORS: [(&str, &str); 4] =
        [("Contains", "contains"), ("Eq", "eq"), ("Exists", "exists"), ("Neq", "neq")];
    let operators =
        OPERATORS.iter().filter_map(|(name, api)| Some(((*api).to_owned(), given.get(*name)?.clone())));
    Some((given.get("Property")?.as_str()?.to_owned(), Json::Object(operators.collect())))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("AnalyzerName").map(str::to_owned);
    let name = name.unwrap_or_else(|| deploy.name(tx, 255));
    let rules: Vec<Json> =
        rules(deploy.properties).into_iter().map(|(n, f)| json!({"ruleName": n, "filter": f})).collect();
    let made = deploy.call(
        tx,
        SERVICE,
        "CreateAnalyzer",
        json!({
            "analyzerName": name,
            "type": deploy.property("Type"),
            "archiveRules": rules,
            "configuration": configuration(deploy.properties),
            "tags": deploy.tags_with("Tags"),
        }),
    )?;
    let arn = made.text("arn").unwrap_or_default();
    Ok(Physical::new(arn).attribute("Arn", arn))
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let before = deploy.previous.map(rules).unwrap_or_default();
    let wanted = rules(deploy.properties);
    for rule in before.keys().filter(|rule| !wanted.contains_key(*rule)) {
        deploy.call(tx, SERVICE, "DeleteArchiveRule", json!({"analyzerName": name, "ruleName": rule}))?;
    }
    for (rule, filter) in &wanted {
        let operation = match before.get(rule) {
            None => "CreateArchiveRule",
            Some(old) if old != filter => "UpdateArchiveRule",
            Some(_) => continue,
        };
        deploy.call(
            tx,
            SERVICE,
            operation,
            json!({"analyzerName": name, "ruleName": rule, "filter": filter}),
        )?;
    }
    let wanted = configuration(deploy.properties);
    if !wanted.is_null() && deploy.previous.map(configuration).as_ref() != Some(&wanted) {
        let input = json!({"analyzerName": name, "configuration": wanted});
        deploy.call(tx, SERVICE, "UpdateAnalyzer", input)?;
    }
    let stale = deploy.stale_tags("Tags");
    if !stale.is_empty() {
        deploy.call(tx, SERVICE, "UntagResource", json!({"resourceArn": arn, "tagKeys": stale}))?;
    }
    let tags = deploy.tags_with("Tags");
    if !tags.is_empty() {
        deploy.call(tx, SERVICE, "TagResource", json!({"resourceArn": arn, "tags": tags}))?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = deploy.id()?.rsplit('/').next().unwrap_or_default().to_owned();
    match deploy.call(tx, SERVICE, "DeleteAnalyzer", json!({"analyzerName": name})) {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}
