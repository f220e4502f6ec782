//! A network as the AWS CLI's `describe-...` outputs tell it.
//!
//! Every JSON document is read by the lists that it holds (`Vpcs`, `Subnets`, ...), so that names of files
//! do not matter, except for the routes of a transit gateway's table, whose output does not name the table:
//! the file's name has to (`tgw-rtb-....json`). What is missing, or of a kind that is not modelled, is named
//! in [`Described::notes`] and counts as unknown.

mod item;
mod lists;
mod transit;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::estate::ec2::{Destination, NetworkInterface, PrefixList, RouteTable, Target, TransitAttachment};
use model::graph::Change;
use model::{Node, Snapshot};
use serde_json::Value as Json;

use crate::Network;
use item::Item;

/// Where everything stands: the ids of AWS are unique by themselves.
const REGION: &str = "described";

/// A read-only estate of networks.
#[derive(Default)]
pub struct Described {
    snapshot: Snapshot,
    unmodelled: HashSet<String>,
    /// The interfaces of each instance, its first one first.
    instances: HashMap<String, Vec<(i64, String)>>,
    notes: Vec<String>,
    transit: transit::Tables,
}

impl Described {
    /// Reads documents, each with the name that errors give it.
    pub fn read<'a>(documents: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Described, String> {
        let mut described = Described::default();
        let mut later = Vec::new();
        for (file, text) in documents {
            let json: Json = serde_json::from_str(text)
                .map_err(|e| format!("{file}:{}:{}: this is not JSON: {e}", e.line(), e.column()))?;
            let Json::Object(members) = json else {
                return Err(format!("{file}: an output of `aws ... describe-...` is a JSON object"));
            };
            for (name, value) in members {
                match lists::LATER.contains(&name.as_str()) {
                    false => described.list(file, &name, &value)?,
                    true => later.push((file, name, value)),
                }
            }
        }
        later.iter().try_for_each(|(file, name, value)| described.list(file, name, value))?;
        described.finish();
        Ok(described)
    }

    fn list(&mut self, file: &str, name: &str, value: &Json) -> Result<(), String> {
        let Some((_, take)) = lists::LISTS.iter().find(|(list, _)| *list == name) else {
            if !lists::IGNORED.contains(&name) {
                self.notes.push(format!("{file}: `{name}` is not read"));
            }
            return Ok(());
        };
        let Some(items) = value.as_array() else {
            return Err(format!("{file}: `{name}` is no list"));
        };
        items.iter().enumerate().try_for_each(|(at, json)| take(self, &Item { file, list: name, at, json }))
    }

    fn put<N: Node>(&mut self, node: N) {
        self.snapshot.apply(&Change::Put(Arc::new(node)));
    }

    /// What could only be known once everything was read.
    fn finish(&mut self) {
        self.instances.values_mut().for_each(|interfaces| interfaces.sort());
        // A route to an instance is one to its first interface.
        let tables: Vec<RouteTable> = self.snapshot.all::<RouteTable>().cloned().collect();
        for mut table in tables {
            for route in &mut table.routes {
                let first = match &route.target {
                    Target::Interface(id) => self.instances.get(id).and_then(|all| all.first()),
                    _ => None,
                };
                if let Some((_, first)) = first {
                    route.target = Target::Interface(first.clone());
                }
            }
            self.put(table);
        }
        self.crossings();
        let known: HashSet<String> = self.snapshot.all::<PrefixList>().map(|l| l.id.clone()).collect();
        for table in self.snapshot.all::<RouteTable>() {
            for route in &table.routes {
                if let Destination::PrefixList(id) = &route.destination
                    && !known.contains(id)
                {
                    self.notes.push(format!("{}: {id} is not described: its route is left out", table.id));
                }
            }
        }
        if self.snapshot.all::<NetworkInterface>().next().is_none() {
            self.notes.push("there are no interfaces: `describe-network-interfaces` is missing".to_owned());
        }
    }

    /// Transit gateways: their tables, with what is known of them.
    fn crossings(&mut self) {
        let read = std::mem::take(&mut self.transit);
        let (tables, unmodelled, notes) = read.finish();
        self.notes.extend(notes);
        self.unmodelled.extend(unmodelled);
        for table in tables {
            self.put(table);
        }
        // Which subnets an attachment is in, its interfaces tell where nothing else does.
        let attachments: Vec<TransitAttachment> = self.snapshot.all::<TransitAttachment>().cloned().collect();
        for mut attachment in attachments.into_iter().filter(|a| a.subnets.is_empty()) {
            let own = |i: &&NetworkInterface| i.description.contains(&attachment.id);
            attachment.subnets =
                self.snapshot.all::<NetworkInterface>().filter(own).map(|i| i.subnet.clone()).collect();
            if attachment.subnets.is_empty() {
                self.notes.push(format!("{}: its subnets are not known", attachment.id));
                self.unmodelled.insert(attachment.gateway.clone());
            }
            self.put(attachment);
        }
    }

    pub fn network(&self) -> Network {
        Network::partly(&self.snapshot, self.unmodelled.clone())
    }

    /// The interfaces of an instance, its first one first; or the one interface of that id.
    pub fn interfaces_of(&self, id: &str) -> Vec<&str> {
        match self.instances.get(id) {
            Some(interfaces) => interfaces.iter().map(|(_, id)| id.as_str()).collect(),
            None => {
                self.snapshot.all::<NetworkInterface>().map(|i| i.id.as_str()).filter(|i| *i == id).collect()
            }
        }
    }

    /// What was not read or is missing, a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
