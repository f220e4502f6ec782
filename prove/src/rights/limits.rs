//! What an organization limits: service control policies, and resource control policies where it runs.

use std::sync::Arc;

use decide_iam::{Attached, Policy, PolicyKind, Source};
use serde_json::Value as Json;

use super::Spot;
use super::read::{Document, Reader, Res, Unreadable};

/// What every account has attached until it is taken away.
const FULL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

impl Reader<'_> {
    pub(super) fn limits(&mut self) -> Res<()> {
        let full = || {
            let policy = Policy::read(FULL, PolicyKind::Scp).unwrap_or_default();
            Attached { name: "FullAWSAccess".to_owned(), arn: None, source: None, policy: Arc::new(policy) }
        };
        let place = self.around.place.account.clone();
        let mut own: Vec<Attached> = Vec::new();
        for item in self.estate.of("AWS::Organizations::Policy") {
            let here = item.list("TargetIds").iter().any(|id| id.as_str() == Some(place.as_str()));
            if !here || item.text("Type") != Some("SERVICE_CONTROL_POLICY") {
                continue;
            }
            match self.document(item, "Content", &item.name, PolicyKind::Scp)? {
                Some(Ok(attached)) => own.push(attached),
                Some(Err(why)) => self.rights.holders.iter_mut().for_each(|h| h.doubts.push(why.clone())),
                None => {}
            }
        }
        let limits = self.rights.accounts.entry(place).or_default();
        if !own.is_empty() {
            own.push(full());
            limits.scps.push(own);
        }
        for Document { name, text } in &self.around.scps {
            let spot = |line| Spot { file: name.clone(), line };
            let policy = Policy::read(text, PolicyKind::Scp)
                .map_err(|m| Unreadable { message: m.to_string(), spot: spot(m.line) })?;
            let grants = policy.statements().iter().any(|s| s.effect == decide_iam::Effect::Allow);
            let lines = policy.statements().iter().map(|s| s.position.line).collect();
            let source = Some(Source { file: name.clone(), statement_lines: lines });
            let attached = Attached { name: name.clone(), arn: None, source, policy: Arc::new(policy) };
            // One that only denies stands beside the one that allows everything.
            limits.scps.push(if grants { vec![attached] } else { vec![attached, full()] });
        }
        self.levels()
    }

    /// The levels of an organization that is running: each item is a policy at a level, or an empty level.
    fn levels(&mut self) -> Res<()> {
        for item in self.estate.of("Countersign::Limit") {
            let (Some(account), Some(level)) =
                (item.text("Account"), item.at("Level").and_then(Json::as_u64))
            else {
                continue;
            };
            let kind = match item.text("Type") {
                Some("RESOURCE_CONTROL_POLICY") => PolicyKind::Rcp,
                _ => PolicyKind::Scp,
            };
            let name = item.text("Name").unwrap_or_default().to_owned();
            let read = self.document(item, "Content", &name, kind)?;
            let limits = self.rights.accounts.entry(account.to_owned()).or_default();
            let levels = if kind == PolicyKind::Rcp { &mut limits.rcps } else { &mut limits.scps };
            let level = usize::try_from(level).unwrap_or_default();
            levels.resize(levels.len().max(level + 1), Vec::new());
            if let (Some(Ok(attached)), Some(level)) = (read, levels.get_mut(level)) {
                level.push(attached);
            }
        }
        Ok(())
    }
}
