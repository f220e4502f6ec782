//! How long answers about policies take: over a corpus of policies as people write them, each
//! compared with each. Prints median and 99th percentile, then measures a few alone.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a measurement tells its figures"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use decide_iam::{Policy, PolicyKind};
use prove::policy::{Answer, PolicyType, Prover};
use serde_json::Value;

/// The documents of the test cases, most of the managed policies that are served, and those of a folder
/// named by `COUNTERSIGN_CORPUS`.
fn corpus(of: PolicyType) -> Vec<Arc<Policy>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<String> = Vec::new();
    let cases = std::fs::read_to_string(here.join("tests/policy/cases.jsonl")).unwrap();
    for case in cases.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        for name in ["existingPolicyDocument", "newPolicyDocument", "policyDocument"] {
            let text = case.get(name).filter(|d| d.is_object()).map(Value::to_string);
            texts.extend(text.filter(|text| !texts.contains(text)));
        }
    }
    // AWS's own, but for the longest, which would be most of what is measured.
    let managed = std::fs::read_to_string(here.join("../services/iam/managed.policies")).unwrap();
    let documents = managed.lines().filter_map(|line| line.splitn(6, ' ').last());
    texts.extend(documents.filter(|text| text.len() < 2_000).map(str::to_owned));
    let more = std::env::var_os("COUNTERSIGN_CORPUS").map(PathBuf::from);
    if let Some(folder) = more {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        texts.extend(files.iter().map(|file| std::fs::read_to_string(file).unwrap()));
    }
    let resource = of.kind() == PolicyKind::Resource;
    texts.retain(|text| text.contains("Principal\":") == resource);
    texts.iter().map(|text| Arc::new(Policy::read(text, of.kind()).unwrap())).collect()
}

fn spread(what: &str, mut took: Vec<Duration>, unknown: usize) {
    took.sort_unstable();
    let at = |part: usize| took.get((took.len() * part / 1_000).min(took.len() - 1)).unwrap();
    println!(
        "{what}: {} questions, median {:?}, p90 {:?}, p99 {:?}, longest {:?}, {unknown} unknown",
        took.len(),
        at(500),
        at(900),
        at(990),
        at(1_000),
    );
}

fn pairwise(of: PolicyType) {
    let policies = corpus(of);
    let prover = Prover::default();
    let (mut took, mut unknown) = (Vec::new(), 0);
    for existing in &policies {
        for new in &policies {
            let begun = Instant::now();
            let answer =
                prover.check_no_new_access(std::slice::from_ref(existing), std::slice::from_ref(new), of);
            took.push(begun.elapsed());
            if let Answer::Unknown { reason } = answer {
                unknown += 1;
                if std::env::var_os("COUNTERSIGN_SHOW").is_some() {
                    println!("{reason}");
                }
            }
        }
    }
    spread(&format!("{of:?} pairwise"), took, unknown);
}

fn public() {
    let prover = Prover::default();
    let (mut took, mut unknown) = (Vec::new(), 0);
    for policy in corpus(PolicyType::ResourcePolicy) {
        let begun = Instant::now();
        let answer = prover.check_no_public_access(&policy, "AWS::S3::Bucket");
        took.push(begun.elapsed());
        unknown += usize::from(matches!(answer, Answer::Unknown { .. }));
    }
    spread("public access", took, unknown);
}

fn measure(criterion: &mut Criterion) {
    pairwise(PolicyType::IdentityPolicy);
    pairwise(PolicyType::ResourcePolicy);
    public();
    let policies = corpus(PolicyType::IdentityPolicy);
    let prover = Prover::default();
    let (first, last) = (policies.first().unwrap(), policies.last().unwrap());
    criterion.bench_function("a policy and another", |bencher| {
        bencher.iter(|| {
            let of = PolicyType::IdentityPolicy;
            prover.check_no_new_access(std::slice::from_ref(first), std::slice::from_ref(last), of)
        });
    });
}

criterion_group!(benches, measure);
criterion_main!(benches);
