//! What is verified: a template, or the estate of a data folder.

use std::collections::BTreeMap;
use std::path::Path;

use model::estate::iam::ManagedPolicy;
use prove::Estate;
use prove::rights::{Document, Rights, Surroundings, Whereabouts};

use super::Verify;
use crate::commands::Ready;
use crate::commands::down::held;
use crate::commands::outbox::page;
use crate::deploy::Template;
use crate::living;

pub(super) struct Source {
    pub(super) file: String,
    /// With references as symbols: for paths.
    pub(super) estate: Estate,
    /// With names: for policies; none where it is the same.
    named: Option<Estate>,
    pub(super) around: Surroundings,
    /// A Terraform plan: of policies only.
    pub(super) plan: bool,
}

impl Source {
    pub(super) fn read(verify: &Verify) -> Result<Source, String> {
        match &verify.data {
            Some(data) => Ok(Source {
                file: data.display().to_string(),
                estate: living_estate(data)?,
                named: None,
                plan: false,
                around: Surroundings {
                    file: data.display().to_string(),
                    whole: true,
                    served: served(),
                    ..Surroundings::default()
                },
            }),
            None => Source::written(verify, verify.template.as_deref(), None),
        }
    }

    /// A template or a plan, in the account and with the parameters that the command line gives. One that
    /// is compared with another stands in the same place.
    pub(super) fn written(
        verify: &Verify,
        path: Option<&Path>,
        same: Option<&Whereabouts>,
    ) -> Result<Source, String> {
        let Template { file, text, name: stack } = match path {
            None => Template::shop(),
            Some(path) => Template::read(path)?,
        };
        let mut place = same.cloned().unwrap_or(Whereabouts { stack, ..Whereabouts::default() });
        place.account = verify.account.clone().unwrap_or(place.account);
        let mut around = Surroundings {
            file: file.clone(),
            managed: managed(verify)?,
            served: served(),
            scps: verify.scps.iter().map(|path| document(path)).collect::<Result<_, _>>()?,
            place,
            whole: false,
        };
        if prove::is_plan(&text) {
            let (estate, told) =
                Estate::planned(&text, &around.place).map_err(|why| format!("`{file}`:{why}"))?;
            if verify.account.is_none() {
                around.place = told;
            }
            return Ok(Source { file, estate, named: None, around, plan: true });
        }
        let mut parameters: BTreeMap<String, String> = verify.parameters.iter().cloned().collect();
        // An older template may know fewer parameters.
        if same.is_some() {
            parameters.retain(|name, _| declares(&text, name));
        }
        let unread = |problem: template::Problem| {
            let template::Place { line, column } = problem.place;
            format!("`{file}`:{line}:{column}: {}", problem.message)
        };
        let estate = Estate::read(&text, &parameters).map_err(unread)?;
        let named = Estate::named(&text, &parameters, &around.place).map_err(unread)?;
        Ok(Source { file: file.clone(), estate, named: Some(named), around, plan: false })
    }

    pub(super) fn rights(&self) -> Result<Rights, String> {
        let estate = self.named.as_ref().unwrap_or(&self.estate);
        Rights::of(estate, &self.around).map_err(|unread| unread.to_string())
    }
}

fn declares(text: &str, parameter: &str) -> bool {
    template::parse(text).is_ok_and(|t| t.get("Parameters").and_then(|p| p.get(parameter)).is_some())
}

fn document(path: &Path) -> Result<Document, String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| format!("`{name}`: {e}"))?;
    Ok(Document { name, text })
}

fn served() -> Vec<String> {
    services::all().into_iter().map(|service| service.name.to_owned()).collect()
}

/// AWS's own policies, as the program serves them, and those that the command line gives.
fn managed(verify: &Verify) -> Result<Vec<Document>, String> {
    let nodes = services::all().into_iter().flat_map(|service| (service.founding)());
    let policy = |node: std::sync::Arc<dyn model::graph::AnyNode>| {
        let policy = node.as_any().downcast_ref::<ManagedPolicy>()?;
        Some(Document { name: policy.arn(), text: policy.document()?.text.clone() })
    };
    let given = verify.managed.iter().map(|(arn, file)| {
        let Document { text, .. } = document(Path::new(file))?;
        Ok(Document { name: arn.clone(), text })
    });
    nodes.filter_map(policy).map(Ok).chain(given).collect()
}

/// The estate of a data folder: asked of the runtime that holds it, else opened.
fn living_estate(data: &Path) -> Result<Estate, String> {
    if held(data) {
        return living::read(&page(data, &Ready::read(data)?, "/_countersign/estate")?);
    }
    // Opening makes what is missing; nothing is to be made here.
    if !data.join("lock").exists() {
        return Err(format!("`{}` is no data folder", data.display()));
    }
    let opening =
        estate::Opening { data, settings: model::tx::Settings::default(), services: services::all() };
    let opened = estate::Estate::open(opening).map_err(|f| f.message)?;
    Ok(living::estate(&opened.snapshot()))
}
